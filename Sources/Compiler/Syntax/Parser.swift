// Recursive descent over the lexer's tokens, in the shape of the VM's own parser, so that both accept the
// same texts and count nesting in the same places. Names are resolved on the way (ParserScopes.swift).
//
// Invariants: a node is appended after its children, except node 0, the chunk's block; `scratch` is a stack
// of the lists under construction, each pushed above a mark that its owner keeps; the first failure ends
// the parse.

/// The result of parsing one file.
package struct ParseResult: Sendable {
  /// Whole when `diagnostics` is empty; otherwise what was built up to the failure.
  package var tree: SyntaxTree
  /// Empty, or the one syntax error.
  package var diagnostics: [Diagnostic]
}

/// The Lua 5.4 parser.
package enum Parser {
  /// Longest source in bytes, so that every offset and node index fits 32 bits.
  package static let sourceBytesMax = 256 << 20

  /// Parses the text of the file at `path`; a byte order mark and a first line that begins with `#` are
  /// passed over.
  package static func parse(_ bytes: [UInt8], path: String) -> ParseResult {
    guard bytes.count <= sourceBytesMax else {
      let diagnostic = Diagnostic(
        .limitExceeded, .error, "the file is longer than \(sourceBytesMax >> 20) MiB",
        at: SourceLocation(path: path))
      return ParseResult(tree: SyntaxTree(), diagnostics: [diagnostic])
    }
    var parser = ParserState(bytes)
    let isWhole = parser.run()
    if !isWhole { parser.blameIndentation() }
    let diagnostics = parser.lexer.failure.map { [$0.diagnostic(path: path)] } ?? []
    return ParseResult(tree: parser.takeTree(), diagnostics: diagnostics)
  }
}

struct ParserState {
  /// The VM's bound on nested C calls: the level at which it gives up.
  static let levelMax = 200

  var lexer: Lexer
  var nodes: [Node] = []
  var lists: [UInt32] = []
  var symbols: [Symbol] = []
  var scratch: [UInt32] = []
  var level = 0
  var scopes = Scopes()
  /// Blocks closed by an `end` or `until` whose indentation is left of their opening: filled only on a second
  /// parse, to find where an unclosed block was meant to end.
  var recordsIndentation = false
  var suspects: [(opening: Opening, close: Int)] = []
  /// Places of `else if` whose inner `if` is still open or was closed without the outer one.
  var openElseIfs: [Int] = []
  /// The failure is a block without an end.
  var lacksEnd = false

  /// What began a block, for messages about its end.
  struct Opening {
    var kind: TokenKind
    var start: Int
    var end: Int
  }

  init(_ bytes: [UInt8]) {
    lexer = Lexer(bytes)
    nodes.reserveCapacity(bytes.count / 5)
    lists.reserveCapacity(bytes.count / 6)
    nodes.append(Node(kind: .block, a: 0, b: 0, c: 0, start: 0, end: 0))
  }

  /// Whether the text is Lua; otherwise `lexer.failure` says why not.
  mutating func run() -> Bool {
    do throws(SyntaxAbort) {
      try parseChunk()
      return true
    } catch {
      return false
    }
  }

  private mutating func parseChunk() throws(SyntaxAbort) {
    try lexer.advance()
    let start = token.start
    scopes.openFunction(isVararg: true)
    let list = try statementList()
    if token.kind != .endOfFile { throw failAfterBlock(nil) }
    try closeFunctionScope()
    nodes[0] = Node(
      kind: .block, a: list, b: 0, c: 0, start: UInt32(start), end: UInt32(max(start, lexer.previousEnd)))
  }

  mutating func takeTree() -> SyntaxTree {
    var tree = SyntaxTree()
    tree.nodes = nodes
    tree.lists = lists
    tree.strings = lexer.interner.strings
    tree.symbols = symbols
    tree.comments = lexer.comments
    return tree
  }

  // MARK: Nodes and lists

  @inline(__always)
  var token: Token { lexer.token }

  /// Appends a node that ends where the last taken token ended.
  @inline(__always)
  mutating func add(_ kind: NodeKind, _ a: UInt32 = 0, _ b: UInt32 = 0, _ c: UInt32 = 0, start: Int) -> UInt32
  {
    let index = UInt32(truncatingIfNeeded: nodes.count)
    nodes.append(
      Node(
        kind: kind, a: a, b: b, c: c, start: UInt32(truncatingIfNeeded: start),
        end: UInt32(truncatingIfNeeded: lexer.previousEnd)))
    return index
  }

  /// Appends a node with its end given.
  @inline(__always)
  mutating func add(_ kind: NodeKind, _ a: UInt32, _ b: UInt32, from start: Int, to end: Int) -> UInt32 {
    let index = UInt32(truncatingIfNeeded: nodes.count)
    nodes.append(
      Node(
        kind: kind, a: a, b: b, c: 0, start: UInt32(truncatingIfNeeded: start),
        end: UInt32(truncatingIfNeeded: end)))
    return index
  }

  @inline(__always)
  func start(of node: UInt32) -> Int { Int(nodes[Int(node)].start) }

  /// Moves the part of `scratch` above `mark` into a list.
  @inline(__always)
  mutating func takeList(from mark: Int) -> UInt32 {
    let index = UInt32(truncatingIfNeeded: lists.count)
    lists.append(UInt32(truncatingIfNeeded: scratch.count - mark))
    for position in mark..<scratch.count { lists.append(scratch[position]) }
    scratch.removeLast(scratch.count - mark)
    return index
  }

  // MARK: Tokens

  @inline(__always)
  mutating func advance() throws(SyntaxAbort) { try lexer.advance() }

  /// Takes the token if it is of this kind.
  @inline(__always)
  mutating func take(_ kind: TokenKind) throws(SyntaxAbort) -> Bool {
    guard lexer.token.kind == kind else { return false }
    try lexer.advance()
    return true
  }

  var opening: Opening { Opening(kind: token.kind, start: token.start, end: token.end) }

  @inline(__always)
  mutating func enterLevel() throws(SyntaxAbort) {
    level += 1
    if level >= Self.levelMax { throw failTooDeep() }
  }

  @inline(__always)
  mutating func leaveLevel() { level -= 1 }
}
