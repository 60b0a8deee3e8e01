// The functions that an embedding program registers, and what of them an artifact needs.

import SpacerArtifact

/// One registered function.
struct HostFunction: Sendable {
  /// How it runs.
  enum Body: Sendable {
    /// On the worker's thread.
    case inline(@Sendable (HostArguments) throws -> JSONValue)
    /// On a thread of its own.
    case blocking(@Sendable (HostArguments) throws -> JSONValue)
    /// Begins it; the reply may come from any thread. Gives what ends it early.
    case asynchronous(@Sendable (HostArguments, HostReply) -> @Sendable () -> Void)
  }

  var name: String
  var body: Body

  /// Whether it may park the calling coroutine.
  var mayWait: Bool {
    if case .inline = body { false } else { true }
  }
}

/// Functions by name. Immutable once a server has it, so every thread may read it.
package struct HostRegistry: Sendable {
  package static let nameBytesMax = 64
  /// The numbers of a module's functions have a byte.
  package static let countMax = 256

  private(set) var functions: [HostFunction] = []

  package init() {}

  /// In byte order.
  var names: [String] {
    functions.map(\.name).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Adds a function, in place of an earlier one of the name.
  mutating func add(_ function: HostFunction) {
    functions.removeAll { $0.name == function.name }
    functions.append(function)
  }

  /// Why the functions cannot be used: one whose name cannot be written as `host.NAME`, or too many; nil when they can.
  var refusal: String? {
    if functions.count > Self.countMax {
      return
        "\(functions.count) host functions are registered: there may be \(Self.countMax); put some together, with "
        + "a first argument that tells them apart"
    }
    for function in functions where !Self.isName(function.name) {
      return
        "'\(function.name)' cannot name a function for Lua: give it a name of letters, digits and '_', at most "
        + "\(Self.nameBytesMax) bytes long, that is no keyword of Lua and begins with no digit"
    }
    return nil
  }

  private static func isName(_ name: String) -> Bool {
    let utf8 = name.utf8
    guard 1...nameBytesMax ~= utf8.count, !keywords.contains(name), let first = utf8.first,
      !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first)
    else { return false }
    return utf8.allSatisfy {
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
        || $0 == UInt8(ascii: "_")
    }
  }

  private static let keywords: Set<String> = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
    "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
  ]

  /// A sentence that names the functions of `host` that the artifact's modules use and that are not here; nil
  /// when there are none.
  func missing(in artifact: LoadedArtifact) -> String? {
    let known = Set(functions.map(\.name))
    var missing: [String] = []
    var users: [String] = []
    for index in 0..<artifact.moduleCount {
      let module = artifact.image.module(index)
      let names = module.capabilities.compactMap { $0.kind == .host ? $0.target : nil }
        .filter { !known.contains($0) }
      guard !names.isEmpty else { continue }
      users.append(String(decoding: module.path, as: UTF8.self))
      for name in names where !missing.contains(name) { missing.append(name) }
    }
    guard let user = users.first else { return nil }
    let shown = missing.prefix(10).map { "host.\($0)" }.joined(separator: ", ")
    let others = users.count > 1 ? " (and \(users.count - 1) more of the files)" : ""
    let place =
      functions.isEmpty
      ? "no program is here that embeds the application and registers functions"
      : "this program registers only \(names.joined(separator: ", "))"
    return "\(user)\(others) calls \(shown), but \(place): serve it with a program that registers "
      + "\(missing.count == 1 ? "it" : "them all") (docs/embedding.md)"
  }
}
