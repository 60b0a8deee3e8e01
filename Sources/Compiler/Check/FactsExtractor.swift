// One file's facts: parse, then three passes over the flat tree, none of them recursive.
//
// 1. up: what each local stands for (an alias of `require`, the module `topics` …), where the flow of
//    control ends;
// 2. down: the context of each node (inside a function, inside a pcall, an assignment's target);
// 3. up: the facts themselves.
// All three are linear. A file with a syntax error has that one diagnostic and its ignores, no other fact.

import SpacerArtifact

/// Finds what one Lua file says about itself.
package enum FactsExtractor {
  /// The facts of the file `path`; they depend on nothing but the two arguments.
  package static func extract(path: String, bytes: [UInt8]) -> ModuleFacts {
    let result = Parser.parse(bytes, path: path)
    return extract(path: path, bytes: bytes, result: result)
  }

  /// The same for a file that is parsed already.
  package static func extract(path: String, bytes: [UInt8], result: ParseResult) -> ModuleFacts {
    var builder = FactsBuilder(path: path, bytes: bytes, tree: result.tree)
    builder.collectIgnores()
    guard result.diagnostics.isEmpty else {
      builder.facts.diagnostics = result.diagnostics
      return builder.facts
    }
    builder.findMeanings()
    builder.findContexts()
    builder.collectFacts()
    builder.collectCapabilities()
    builder.collectReturn()
    builder.collectUnusedLocals()
    builder.sort()
    return builder.facts
  }
}

/// What an expression stands for, where the text shows it.
enum Meaning: Equatable {
  case unknown
  /// A string, by its index.
  case string(UInt32)
  case require, pcall, error, setmetatable
  /// `xpcall` has its handler before the arguments.
  case xpcall
  case topics, flow, os
  /// Another built-in module, by its name's index.
  case builtin(UInt32)
  case append, call, callAll, getenv, validateCheck
  /// `http.get` and the like, `http.request`.
  case httpMethod, httpRequest
  /// `db.query` and the like, `db.use`.
  case databaseCall, databaseUse
  /// A function of `host`, by its name's index.
  case hostFunction(UInt32)
  /// A global table or function that only the original's engine had, by its name's index.
  case engineTable(UInt32)
  case engineFunction(UInt32)
  /// A function of Lua's own that keeps no hold of its arguments and adds no metatable.
  case harmlessFunction
}

/// The state of an extraction.
struct FactsBuilder {
  let path: String
  let bytes: [UInt8]
  let tree: SyntaxTree
  var facts = ModuleFacts()
  /// By symbol: what the local stands for, and the node of its only value.
  var meanings: [Meaning]
  var values: [UInt32]
  let knownGlobals = WellKnownNames.globals
  /// By node.
  var contexts: [Context]
  var endsFlow: [Bool]
  /// Symbols whose table may have got a metatable, or escaped to where it may.
  var escapes: [Bool]
  /// The chunk assigns to `_ENV` itself, so that no name is known to be a global.
  var replacesEnvironment = false
  /// Assignments to the global `validate`, and those among them that give it the built-in module.
  var validateWrites = (all: 0, ofModule: 0)
  /// Members of libraries, as `string.trim`, whose existence the file tests.
  var testedMembers: Set<String> = []
  /// What the code reaches.
  var capabilities: Set<ArtifactContents.Capability> = []
  /// Places in `facts.diagnostics` of the engine-only names already reported.
  var reportedEngineNames: [String: Int] = [:]

  struct Context: OptionSet {
    let rawValue: UInt8
    static let inFunction = Context(rawValue: 1)
    static let guarded = Context(rawValue: 2)
    /// A function that is called where it stands.
    static let immediate = Context(rawValue: 4)
    static let target = Context(rawValue: 8)
    /// Runs only after a test that an engine-only name exists.
    static let engineTested = Context(rawValue: 16)
    /// Its value decides something: an operand of `or`, `==`, `not` and the like, or a condition.
    static let tested = Context(rawValue: 32)
  }

  init(path: String, bytes: [UInt8], tree: SyntaxTree) {
    self.path = path
    self.bytes = bytes
    self.tree = tree
    meanings = Array(repeating: .unknown, count: tree.symbols.count)
    values = Array(repeating: NodeID.none.index, count: tree.symbols.count)
    contexts = Array(repeating: [], count: tree.nodes.count)
    endsFlow = Array(repeating: false, count: tree.nodes.count)
    escapes = Array(repeating: false, count: tree.symbols.count)
  }

  func node(_ index: UInt32) -> Node { tree.nodes[Int(index)] }

  func range(_ index: UInt32) -> SourceRange {
    let node = node(index)
    return SourceRange(start: Int(node.start), end: Int(node.end))
  }

  mutating func report(
    _ id: DiagnosticID, _ severity: Severity, _ message: String, _ range: SourceRange,
    notes: [Diagnostic.Note] = [], hint: String? = nil, fix: Diagnostic.Fix? = nil
  ) {
    facts.diagnostics.append(
      Diagnostic(
        id, severity, message, at: SourceLocation(path: path, range: range), notes: notes, hint: hint,
        fix: fix))
  }

  /// Everything in the order of the text.
  mutating func sort() {
    func precedes(_ a: SourceRange, _ b: SourceRange) -> Bool { (a.start, a.end) < (b.start, b.end) }
    facts.requires.sort { precedes($0.reference.range, $1.reference.range) }
    facts.dynamicRequires.sort(by: precedes)
    facts.appends.sort { precedes($0.range, $1.range) }
    facts.calls.sort { precedes($0.range, $1.range) }
    facts.getenvs.sort { precedes($0.range, $1.range) }
    facts.unknownTypes.sort { precedes($0.range, $1.range) }
    facts.validations.sort { ($0.line, $0.description) < ($1.line, $1.description) }
    facts.globalReads.sort { precedes($0.range, $1.range) }
    facts.globalWrites.sort { precedes($0.range, $1.range) }
    let none = SourceRange(start: 0, end: 0)
    facts.diagnostics.sort {
      precedes($0.location.range ?? none, $1.location.range ?? none)
    }
  }
}
