// Names whose meaning the extractor knows, with fixed indexes in every file's strings, so that it compares
// numbers only.

enum WellKnownNames {
  private static let methods = ["get", "post", "put", "patch", "delete", "head"]
  private static let statements = ["query", "one", "exec", "transaction"]
  private static let fields =
    ["append", "call", "all", "getenv", "check", "use", "url", "format"] + methods + statements
  private static let modules = BuiltinModules.sorted + ["spacer"]

  /// In the order in which the interner enters them.
  static let all: [String] =
    fields + modules
    + (StandardGlobals.names.union(EngineOnlyNames.tables).union(EngineOnlyNames.functions)).sorted()

  static let firstIndex = TokenKind.keywordCount + 2
  static let append = index("append")
  static let call = index("call")
  static let callAll = index("all")
  static let getenv = index("getenv")
  static let check = index("check")
  static let use = index("use")
  static let url = index("url")
  static let format = index("format")
  static let string = index("string")
  static let environment = index("_G")
  static let loaders = Set(["load", "loadstring"].map(index))
  static let httpMethods = Set(methods.map(index))
  static let databaseCalls = Set(statements.map(index))
  static let http = index("http")
  static let request = index("request")
  static let host = index("host")
  static let database = index("db")
  static let validate = index("validate")
  static let topics = index("topics")
  static let flow = index("flow")
  /// The built-in modules whose members are known but have no meaning of their own.
  static let builtins = Set(modules.filter { $0 != "topics" && $0 != "flow" }.map(index))
  static let ngx = index("ngx")
  static let ffi = index("ffi")

  /// What is known of a global name.
  struct Global {
    var meaning = Meaning.unknown
    var isStandard = false
    var isLibrary = false
  }

  /// By string index; names above its count are not known.
  static let globals: [Global] = {
    var table = [Global](repeating: Global(), count: firstIndex)
    for (offset, name) in all.enumerated() {
      table.append(
        Global(
          meaning: meaning(of: name, UInt32(firstIndex + offset)),
          isStandard: StandardGlobals.names.contains(name),
          isLibrary: StandardGlobals.libraries.contains(name)))
    }
    return table
  }()

  private static func index(_ name: String) -> UInt32 {
    UInt32(firstIndex + (all.firstIndex(of: name) ?? 0))
  }

  private static func meaning(of name: String, _ index: UInt32) -> Meaning {
    switch name {
    case "require": .require
    case "pcall": .pcall
    case "xpcall": .xpcall
    case "error": .error
    case "setmetatable": .setmetatable
    case "topics": .topics
    case "flow": .flow
    case "os": .os
    case "ipairs", "pairs", "next", "print", "type", "tostring", "tonumber", "rawget", "rawset", "rawlen",
      "rawequal", "select", "getmetatable":
      .harmlessFunction
    case _ where EngineOnlyNames.tables.contains(name): .engineTable(index)
    case _ where EngineOnlyNames.functions.contains(name): .engineFunction(index)
    default: .unknown
    }
  }
}
