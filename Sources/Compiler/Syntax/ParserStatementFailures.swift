// The parser's failures that concern statements; see ParserFailures.swift for the rules of placing them.

extension ParserState {
  /// A condition or loop header that `word` does not follow.
  mutating func failAfterCondition(_ word: String, _ opener: TokenKind) -> SyntaxAbort {
    let what = opener == .for ? "loop's values" : "condition"
    if token.kind == .assign, opener != .for {
      let place = (start: token.start, end: token.end)
      let abort = fail("unexpected '=' in the condition", hint: "comparison is written '=='", at: place)
      setFix(place.start, place.end, "==")
      return abort
    }
    let abort = failExpected("'\(word)' after the \(what)")
    if token.kind == .then || token.kind == .do {
      lexer.failure?.hint = "the word here is '\(word)'"
      setFix(token.start, token.end, word)
    } else if lexer.previousKind == .rightBrace {
      lexer.failure?.hint = "blocks have no braces; they end with 'end'"
    } else {
      setFix(lexer.previousEnd, lexer.previousEnd, " \(word)")
    }
    return abort
  }

  mutating func failForHeader(_ nameCount: Int) -> SyntaxAbort {
    failExpected(nameCount == 1 ? "'=' or 'in' after the loop variable" : "'in' after the loop variables")
  }

  mutating func failBreak() -> SyntaxAbort {
    fail("'break' outside a loop", at: (token.start, token.end))
  }

  /// After `local name` something stands that can only be meant as its value or as part of its name.
  mutating func failLocalValue() -> SyntaxAbort {
    if token.kind == .equal {
      let place = (start: token.start, end: token.end)
      let abort = fail("unexpected '=='", hint: "a value is given with '='", at: place)
      setFix(place.start, place.end, "=")
      return abort
    }
    let hint =
      token.kind == .dot ? "a field cannot be local; leave 'local' away" : "Lua has no type annotations"
    return fail("unexpected \(tokenText) after a local's name", hint: hint, at: (token.start, token.end))
  }

  /// Statements of other languages, at the token that gives them away.
  mutating func failForeignStatement() -> SyntaxAbort? {
    let place = (start: token.start, end: token.end)
    switch token.kind {
    case .doubleSlash: return fail("unexpected '//'", hint: "comments begin with '--'", at: place)
    case .slash where lexer.byte(at: token.end) == UInt8(ascii: "*"):
      return fail(
        "unexpected '/*'", hint: "long comments are written --[[ … ]]", at: (token.start, token.end + 1))
    case .hash: return fail("unexpected '#'", hint: "comments begin with '--'", at: place)
    case .assign where lexer.byte(at: token.end) == UInt8(ascii: ">"):
      return fail(
        "unexpected '=>'", hint: "a function is written 'function(…) … end'", at: (token.start, token.end + 1)
      )
    case .leftBrace:
      return fail("unexpected '{'", hint: "blocks have no braces; they end with 'end'", at: place)
    case .string where lexer.byte(at: token.end) == UInt8(ascii: ":"):
      return fail(
        "unexpected string", hint: "to call a method of a literal put it in parentheses: (\"…\"):name()",
        at: place)
    case .string, .integer, .float, .nil, .true, .false, .ellipsis, .not, .minus, .tilde:
      return fail(
        "unexpected \(tokenText)", hint: "a statement is a call or an assignment; a value alone is none",
        at: place)
    default: return nil
    }
  }

  /// An expression that is neither called nor assigned to.
  mutating func failNoStatement(_ expression: UInt32) -> SyntaxAbort {
    let node = nodes[Int(expression)]
    let place = (start: Int(node.start), end: Int(node.end))
    let text = source(place.start, min(place.end, place.start + 40))
    let isOneLine = !LuaSource.spansLines(lexer.previousEnd, token.start, in: lexer.bytes)
    if isOneLine, token.kind.leftPriority > 0, let abort = failOperatorStatement(expression, text) {
      return abort
    }
    if node.kind == .globalReference || node.kind == .localReference {
      if let abort = failForeignWord(text, place, isOneLine: isOneLine) { return abort }
    }
    if lexer.bytes[place.end...].starts(with: [0x2D, 0x2D]) {
      return fail(
        "'\(text)' alone is no statement",
        hint: "'--' begins a comment; to count down write '\(text) = \(text) - 1'", at: place)
    }
    if isOneLine, token.kind != .endOfFile {
      return fail(
        "unexpected \(tokenText) after '\(text)'",
        hint: "a statement is a call, '\(text)(…)', or an assignment, '\(text) = …'",
        at: (token.start, token.end))
    }
    return fail(
      "'\(text)' alone is no statement",
      hint: "a statement is a call, '\(text)(…)', or an assignment, '\(text) = …'", at: place)
  }

  /// `x += 1`, `x++`, `x == 1` as statements.
  private mutating func failOperatorStatement(_ expression: UInt32, _ text: String) -> SyntaxAbort? {
    let (kind, start) = (token.kind, token.start)
    if kind == .equal {
      let place = (start: start, end: token.end)
      let abort = fail("a comparison is no statement", hint: "assignment is written '='", at: place)
      setFix(place.start, place.end, "=")
      return abort
    }
    do throws(SyntaxAbort) {
      try advance()
      if token.start == lexer.previousEnd { try checkForeignOperator(kind, start, expression) }
    } catch {
      return error
    }
    return fail(
      "an expression is no statement",
      hint:
        "a statement is a call or an assignment: 'local result = \(text) \(source(start, lexer.previousEnd)) …'",
      at: (start, lexer.previousEnd))
  }

  private mutating func failForeignWord(
    _ word: String, _ place: (start: Int, end: Int), isOneLine: Bool
  ) -> SyntaxAbort? {
    switch word {
    case "continue":
      return fail(
        "Lua has no 'continue'",
        hint: "write 'goto continue', and '::continue::' before the loop's 'end'", at: place)
    case "elif", "elsif", "elseIf":
      let abort = fail("unexpected '\(word)'", hint: "Lua writes 'elseif'", at: place)
      setFix(place.start, place.end, "elseif")
      return abort
    case "var", "let", "const", "my", "int", "string", "auto":
      guard isOneLine, token.kind == .name else { return nil }
      let abort = fail("unexpected '\(word)'", hint: "a variable is declared with 'local'", at: place)
      setFix(place.start, place.end, "local")
      return abort
    case "func", "fn", "def", "fun":
      guard isOneLine, token.kind == .name else { return nil }
      let abort = fail("unexpected '\(word)'", hint: "Lua writes 'function'", at: place)
      setFix(place.start, place.end, "function")
      return abort
    case "switch", "case", "try", "catch", "throw", "class", "async", "await", "import":
      let hint =
        switch word {
        case "try", "catch": "Lua catches errors with 'pcall(function() … end)'"
        case "throw": "Lua raises errors with 'error(…)'"
        case "import": "Lua loads modules with 'local name = require \"name\"'"
        case "switch", "case": "write 'if … elseif … end'"
        default: "'\(word)' is no word of Lua"
        }
      return fail("unexpected '\(word)'", hint: hint, at: place)
    default:
      return nil
    }
  }

  /// The left side of an assignment is no variable and no field.
  mutating func failTarget(_ target: UInt32) -> SyntaxAbort {
    let node = nodes[Int(target)]
    let place = (start: Int(node.start), end: Int(node.end))
    switch node.kind {
    case .call, .methodCall:
      return fail("cannot assign to the result of a call", hint: "comparison is written '=='", at: place)
    default:
      return fail("cannot assign to an expression in parentheses", at: place)
    }
  }

  mutating func failConstantTarget(_ target: UInt32, _ declaration: Node) -> SyntaxAbort {
    let node = nodes[Int(target)]
    let name = source(Int(node.start), Int(node.end))
    let attribute = declaration.c == 1 ? "const" : "close"
    return fail(
      "cannot assign to '\(name)', which is <\(attribute)>",
      note: ("'\(name)' is declared here", Int(declaration.start), Int(declaration.end)),
      at: (Int(node.start), Int(node.end)))
  }

  // MARK: Labels

  private func name(_ index: UInt32) -> String {
    String(decoding: lexer.interner.strings[Int(index)], as: UTF8.self)
  }

  mutating func failDuplicateLabel(
    _ label: UInt32, _ earlier: Scopes.Label, _ start: Int, _ end: Int
  ) -> SyntaxAbort {
    let (first, second) =
      Int(earlier.start) <= start
      ? ((Int(earlier.start), Int(earlier.end)), (start, end))
      : ((start, end), (Int(earlier.start), Int(earlier.end)))
    return fail(
      "label '\(name(label))' is defined twice", note: ("first defined here", first.0, first.1), at: second)
  }

  mutating func failLabelMissing(_ pending: Scopes.PendingGoto) -> SyntaxAbort {
    let label = name(pending.name)
    return fail(
      "no visible label '\(label)' for this 'goto'",
      hint: "a label is visible in its own block and the blocks inside it, in the same function",
      at: (Int(pending.start), Int(pending.end)))
  }

  mutating func failJumpIntoScope(_ pending: Scopes.PendingGoto, _ start: Int, _ end: Int) -> SyntaxAbort {
    let label = name(pending.name)
    let local = pending.activeCount < scopes.active.count ? scopes.active[pending.activeCount].name : nil
    let abort = fail(
      "this 'goto' jumps into the scope of local '\(local.map(name) ?? "?")'",
      hint: "declare the local before the 'goto', or put it and its uses into 'do … end'",
      note: ("label '\(label)' is here", start, end), at: (Int(pending.start), Int(pending.end)))
    return abort
  }
}
