// What the parser says about a text that is not Lua: what was expected, where, and the likely slip.
//
// When the offending token is on a later line than the one before it, the place is right behind the latter,
// where the missing text belongs. Every method notes the failure in the lexer and gives what to throw.

extension ParserState {
  // MARK: Helpers

  /// The token's text, quoted.
  var tokenText: String { text(of: token) }

  func text(of token: Token) -> String {
    switch token.kind {
    case .endOfFile: "end of file"
    case .string: "string"
    default: "'\(source(token.start, token.end))'"
    }
  }

  func source(_ start: Int, _ end: Int) -> String {
    String(decoding: lexer.bytes[start..<end], as: UTF8.self)
  }

  func line(_ offset: Int) -> Int { LuaSource.line(of: offset, in: lexer.bytes) }

  /// Where something is missing: the current token, or the end of the line before it.
  var missingPlace: (start: Int, end: Int) {
    if token.kind == .endOfFile || LuaSource.spansLines(lexer.previousEnd, token.start, in: lexer.bytes) {
      return (lexer.previousEnd, lexer.previousEnd)
    }
    return (token.start, token.end)
  }

  func isName(_ candidates: String...) -> Bool {
    token.kind == .name && candidates.contains(source(token.start, token.end))
  }

  mutating func fail(
    _ message: String, hint: String? = nil, note: (String, Int, Int)? = nil, at place: (start: Int, end: Int)
  ) -> SyntaxAbort {
    let abort = lexer.fail(message, place.start, place.end, hint: hint)
    if let note { addNote(note.0, note.1, note.2) }
    return abort
  }

  mutating func addNote(_ message: String, _ start: Int, _ end: Int) {
    lexer.failure?.notes.append((message, SourceRange(start: start, end: end)))
  }

  mutating func setFix(_ start: Int, _ end: Int, _ replacement: String) {
    lexer.failure?.fix = Diagnostic.Fix(
      range: SourceRange(start: start, end: end), replacement: replacement)
  }

  mutating func failExpected(_ what: String, hint: String? = nil) -> SyntaxAbort {
    fail("expected \(what)", hint: hint, at: missingPlace)
  }

  // MARK: Expressions

  /// A token that begins no expression where one is needed.
  mutating func failNoExpression() -> SyntaxAbort {
    let place = (token.start, token.end)
    if token.start == 0 || lexer.previousKind == .endOfFile || !followsOperand {
      if let abort = failForeignStatement() { return abort }
    }
    if lexer.previousKind == .endOfFile { return fail("unexpected \(tokenText)", at: place) }
    if let abort = failEarlierValue() { return abort }
    if token.kind == .assign, lexer.previousKind == .assign {
      return fail("expected expression after '='", hint: "comparison is written '=='", at: place)
    }
    let before = source(previousStart, lexer.previousEnd)
    if needsOperand {
      return failExpected("expression after '\(before)'")
    }
    return fail("unexpected \(tokenText)", at: place)
  }

  /// Start of the token before the current one, found by walking back over its bytes.
  var previousStart: Int {
    var start = lexer.previousEnd
    let bytes = lexer.bytes
    guard start > 0 else { return 0 }
    if lexer.isClass(bytes[start - 1], ByteClass.name) {
      while start > 0, lexer.isClass(bytes[start - 1], ByteClass.name) { start -= 1 }
      return start
    }
    switch lexer.previousKind {
    case .doubleSlash, .shiftLeft, .shiftRight, .equal, .notEqual, .lessEqual, .greaterEqual, .concat,
      .doubleColon:
      return start - 2
    case .ellipsis: return start - 3
    default: return start - 1
    }
  }

  /// The token before the current one leaves an expression open.
  private var needsOperand: Bool {
    switch lexer.previousKind {
    case .assign, .comma, .leftParenthesis, .leftBracket, .leftBrace, .not, .hash, .return, .in, .if, .elseif,
      .while, .until, .tilde:
      true
    default: lexer.previousKind.leftPriority > 0
    }
  }

  /// The token before the current one can end an expression or a statement, so that this one begins another.
  private var followsOperand: Bool { needsOperand }

  /// Operators of other languages, met behind a Lua operator that stands right before the token.
  mutating func checkForeignOperator(_ kind: TokenKind, _ start: Int, _ left: UInt32) throws(SyntaxAbort) {
    let place = (start: start, end: token.end)
    switch (kind, token.kind) {
    case (.ampersand, .ampersand): throw failForeign("&&", "and", place)
    case (.pipe, .pipe): throw failForeign("||", "or", place)
    case (.plus, .plus): throw failIncrement("++", "+", left, place)
    case (_, .assign): throw failCompound(kind, left, place)
    default: return
    }
  }

  private mutating func failForeign(
    _ foreign: String, _ lua: String, _ place: (start: Int, end: Int)
  ) -> SyntaxAbort {
    let abort = fail("unexpected '\(foreign)'", hint: "Lua writes '\(lua)'", at: place)
    setFix(place.start, place.end, lua)
    return abort
  }

  private mutating func failIncrement(
    _ foreign: String, _ sign: String, _ target: UInt32, _ place: (start: Int, end: Int)
  ) -> SyntaxAbort {
    let name = source(start(of: target), Int(nodes[Int(target)].end))
    return fail("unexpected '\(foreign)'", hint: "write '\(name) = \(name) \(sign) 1'", at: place)
  }

  private mutating func failCompound(
    _ kind: TokenKind, _ target: UInt32, _ place: (start: Int, end: Int)
  ) -> SyntaxAbort {
    let name = source(start(of: target), Int(nodes[Int(target)].end))
    let sign = source(place.start, place.end - 1)
    let abort = fail(
      "unexpected '\(sign)='", hint: "Lua has no '\(sign)='; write '\(name) = \(name) \(sign) …'", at: place)
    setFix(place.start, place.end, "= \(name) \(sign)")
    return abort
  }

  mutating func failVararg() -> SyntaxAbort {
    fail(
      "'...' outside a function with variable arguments", hint: "add '...' to the function's parameters",
      at: (token.start, token.end))
  }

  /// The token can begin an expression.
  var beginsExpression: Bool {
    switch token.kind {
    case .name, .string, .integer, .float, .nil, .true, .false, .ellipsis, .function, .leftBrace,
      .leftParenthesis, .not, .hash, .minus, .tilde:
      true
    default: false
    }
  }

  /// `x =` without a value takes the next line's `y` for it, and only `y`'s own `=` gives it away.
  private mutating func failEarlierValue() -> SyntaxAbort? {
    guard token.kind == .assign, let last = nodes.last,
      last.kind == .assignment || last.kind == .localStatement,
      let value = lists[Int(last.b + 1)...].first, lists[Int(last.b)] == 1
    else { return nil }
    let valueStart = start(of: value)
    var equals = valueStart
    while equals > 0, lexer.isClass(lexer.bytes[equals - 1], ByteClass.space) { equals -= 1 }
    guard equals > 0, lexer.bytes[equals - 1] == UInt8(ascii: "="),
      LuaSource.spansLines(equals, valueStart, in: lexer.bytes)
    else { return nil }
    return fail("expected expression after '='", at: (equals, equals))
  }

  /// After an item of a table that neither a separator nor the brace follows.
  mutating func failTableEnd(_ opening: Opening) -> SyntaxAbort {
    if !beginsExpression, token.kind != .assign, token.kind != .colon {
      return failUnclosed(.rightBrace, opening)
    }
    let previous = source(previousStart, lexer.previousEnd)
    var hint: String?
    if token.kind == .colon || token.kind == .assign, lexer.previousKind == .string {
      hint = "a key that is a string is written [\"…\"] = value"
    } else if token.kind == .assign {
      hint = "a computed key is written [\(previous)] = value"
    }
    return fail(
      "expected ',' or '}' in the table", hint: hint,
      note: ("the table begins here", opening.start, opening.end), at: missingPlace)
  }

  mutating func failNoParameters() -> SyntaxAbort {
    if token.kind == .name, lexer.previousKind == .function {
      return fail(
        "expected '(' after 'function'",
        hint:
          "a function inside an expression has no name; write 'local function \(source(token.start, token.end))'",
        at: (token.start, token.end))
    }
    if token.kind == .dot || token.kind == .colon {
      return fail(
        "expected '(' after the function's name",
        hint: "a field cannot be local; leave 'local' away", at: (token.start, token.end))
    }
    return failExpected("'(' and the function's parameters")
  }

  mutating func failNoName(_ what: String) -> SyntaxAbort {
    if token.kind.rawValue < TokenKind.keywordCount {
      let isField = lexer.previousKind == .dot
      let key = source(token.start, token.end)
      return fail(
        "expected \(what)",
        hint: "'\(key)' is a reserved word" + (isField ? "; write [\"\(key)\"]" : ""), at: missingPlace)
    }
    if token.kind == .string || token.kind == .integer || token.kind == .leftBrace || token.kind == .nil,
      lexer.previousKind == .colon
    {
      return failExpected(what, hint: "a table's fields are written 'name = value'")
    }
    return failExpected(what)
  }

  // MARK: Ends of blocks

  /// Blanks at the begin of the line that `offset` is in.
  private func indentation(at offset: Int) -> Int {
    var begin = offset
    while begin > 0, lexer.bytes[begin - 1] != 0x0A { begin -= 1 }
    var end = begin
    while end < offset, lexer.bytes[end] == 0x20 || lexer.bytes[end] == 0x09 { end += 1 }
    return end - begin
  }

  /// `opening` is not closed where its block ends.
  mutating func failUnclosed(
    _ kind: TokenKind, _ opening: Opening, canContinue: Bool = false
  ) -> SyntaxAbort {
    if kind == .end || kind == .until { return failAfterBlock(opening) }
    let closing =
      switch kind {
      case .rightParenthesis: ")"
      case .rightBracket: "]"
      default: "}"
      }
    let open = source(opening.start, opening.end)
    let openLine = line(opening.start)
    let isSameLine = openLine == line(missingPlace.start)
    let isAssignment = token.kind == .assign && kind == .rightParenthesis
    if canContinue, beginsExpression, isSameLine { return failExpected("',' or '\(closing)'") }
    return fail(
      "expected '\(closing)' to close '\(open)'" + (isSameLine ? "" : " at line \(openLine)"),
      hint: isAssignment ? "comparison is written '=='" : nil,
      note: isSameLine ? nil : ("'\(open)' is opened here", opening.start, opening.end), at: missingPlace)
  }

  /// A block ends with a token that is not the one its opening needs; `nil` for the chunk itself.
  mutating func failAfterBlock(_ opening: Opening?) -> SyntaxAbort {
    let followsReturn = endsWithReturn && !token.kind.endsBlock(withUntil: true)
    let returnHint =
      "'return' must be the last statement of its block; 'do return … end' leaves the rest in place"
    if opening == nil, followsReturn {
      return fail(
        "unexpected \(tokenText) after 'return'", hint: returnHint, at: (token.start, token.end))
    }
    guard let opening else {
      return fail("unexpected \(tokenText)", hint: "no block is open here", at: (token.start, token.end))
    }
    let word = source(opening.start, opening.end)
    let closing = opening.kind == .repeat ? "until" : "end"
    lacksEnd = true
    let place = token.kind == .endOfFile ? (lexer.bytes.count, lexer.bytes.count) : (token.start, token.end)
    // What begins a line no deeper than the block's own was meant to follow the block.
    let isBehind =
      line(missingPlace.start) != line(token.start)
      && indentation(at: token.start) <= indentation(at: opening.start)
    var hint = !followsReturn ? nil : isBehind ? "write '\(closing)' before this line" : returnHint
    if let elseIf = openElseIfs.last, elseIf > opening.start || opening.kind == .if {
      hint = "'else if' at line \(line(elseIf)) opens another 'if' with an 'end' of its own; write 'elseif'"
    }
    return fail(
      "expected '\(closing)' to close '\(word)' at line \(line(opening.start))", hint: hint,
      note: ("'\(word)' begins here", opening.start, opening.end), at: place)
  }

  /// The statement list that just ended did so with a `return`.
  private var endsWithReturn: Bool {
    guard let last = nodes.last else { return false }
    if last.kind == .block { return nodes.count > 1 && nodes[nodes.count - 2].kind == .returnStatement }
    return last.kind == .returnStatement
  }

  // MARK: Limits

  mutating func failTooDeep() -> SyntaxAbort {
    let abort = fail(
      "nested more than \(Self.levelMax - 1) levels deep",
      hint: "the VM takes no deeper nesting of blocks and expressions", at: (token.start, token.end))
    lexer.failure?.id = .limitExceeded
    return abort
  }

  mutating func failTooManyLocals(_ start: Int, _ end: Int) -> SyntaxAbort {
    let abort = fail(
      "more than \(Scopes.localsMax) local variables in one function",
      hint: "move some into a table or an inner 'do … end'", at: (start, end))
    lexer.failure?.id = .limitExceeded
    return abort
  }
}
