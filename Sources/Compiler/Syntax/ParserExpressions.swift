// Expressions. Each method gives the index of the node it appended.

extension ParserState {
  mutating func expression() throws(SyntaxAbort) -> UInt32 { try subexpression(above: 0) }

  /// Expressions with commas between them, as a list.
  mutating func expressionList() throws(SyntaxAbort) -> UInt32 {
    let mark = scratch.count
    repeat {
      let item = try expression()
      scratch.append(item)
    } while try take(.comma)
    return takeList(from: mark)
  }

  /// An operand and every binary operator after it that binds more strongly than `limit`.
  private mutating func subexpression(above limit: Int) throws(SyntaxAbort) -> UInt32 {
    try enterLevel()
    var left: UInt32
    if let unary = unaryOperator {
      let start = token.start
      try advance()
      let operand = try subexpression(above: TokenKind.unaryPriority)
      left = add(.unary, operand, 0, unary.rawValue, start: start)
    } else {
      left = try simpleExpression()
    }
    while true {
      let kind = token.kind
      let priority = kind.leftPriority
      guard priority > limit else { break }
      let operatorStart = token.start
      try advance()
      if token.start == lexer.previousEnd { try checkForeignOperator(kind, operatorStart, left) }
      let right = try subexpression(above: kind.rightPriority)
      left = add(.binary, left, right, kind.binaryOperator.rawValue, start: start(of: left))
    }
    leaveLevel()
    return left
  }

  private var unaryOperator: UnaryOperator? {
    switch token.kind {
    case .not: .not
    case .minus: .negate
    case .tilde: .bitNot
    case .hash: .length
    default: nil
    }
  }

  private mutating func simpleExpression() throws(SyntaxAbort) -> UInt32 {
    let first = token
    let kind: NodeKind
    switch first.kind {
    case .string: kind = .stringLiteral
    case .integer: kind = .integerLiteral
    case .float: kind = .floatLiteral
    case .nil: kind = .nilLiteral
    case .true: kind = .trueLiteral
    case .false: kind = .falseLiteral
    case .ellipsis:
      guard scopes.function.isVararg else { throw failVararg() }
      kind = .vararg
    case .leftBrace: return try table()
    case .function:
      let opening = opening
      try advance()
      return try functionBody(opening, isMethod: false)
    default: return try suffixedExpression()
    }
    try advance()
    return add(
      kind, UInt32(truncatingIfNeeded: first.value), UInt32(truncatingIfNeeded: first.value >> 32),
      start: first.start)
  }

  private mutating func primaryExpression() throws(SyntaxAbort) -> UInt32 {
    let first = token
    switch first.kind {
    case .name:
      try advance()
      return reference(UInt32(truncatingIfNeeded: first.value), from: first.start, to: first.end)
    case .leftParenthesis:
      let opening = opening
      try advance()
      let inner = try expression()
      try close(.rightParenthesis, opening)
      return add(.parenthesized, inner, start: first.start)
    default:
      throw failNoExpression()
    }
  }

  /// A name or a parenthesised expression and every `.name`, `[key]`, `:name(…)` and `(…)` after it.
  mutating func suffixedExpression() throws(SyntaxAbort) -> UInt32 {
    let start = token.start
    var node = try primaryExpression()
    while true {
      switch token.kind {
      case .dot:
        node = try field(of: node, start)
      case .leftBracket:
        let key = try bracketedKey()
        node = add(.index, node, key, start: start)
      case .colon:
        try advance()
        let name = try takeName("method name after ':'")
        let arguments = try callArguments()
        node = add(.methodCall, node, arguments, name, start: start)
      case .leftParenthesis, .string, .leftBrace:
        let arguments = try callArguments()
        node = add(.call, node, arguments, start: start)
      default:
        return node
      }
    }
  }

  /// `.name` after `object`, at the dot.
  mutating func field(of object: UInt32, _ start: Int) throws(SyntaxAbort) -> UInt32 {
    let separator = token.kind
    try advance()
    let nameStart = token.start
    let name = try takeName(separator == .colon ? "method name after ':'" : "field name after '.'")
    let key = add(.stringLiteral, name, start: nameStart)
    return add(.index, object, key, 1, start: start)
  }

  /// `[key]`, at the bracket.
  private mutating func bracketedKey() throws(SyntaxAbort) -> UInt32 {
    let opening = opening
    try advance()
    let key = try expression()
    try close(.rightBracket, opening)
    return key
  }

  private mutating func callArguments() throws(SyntaxAbort) -> UInt32 {
    let first = token
    let mark = scratch.count
    switch first.kind {
    case .leftParenthesis:
      let opening = opening
      try advance()
      if try take(.rightParenthesis) { return takeList(from: mark) }
      let list = try expressionList()
      if token.kind != .rightParenthesis {
        throw failUnclosed(.rightParenthesis, opening, canContinue: true)
      }
      try advance()
      return list
    case .leftBrace:
      let argument = try table()
      scratch.append(argument)
    case .string:
      try advance()
      let argument = add(.stringLiteral, UInt32(truncatingIfNeeded: first.value), start: first.start)
      scratch.append(argument)
    default:
      throw failExpected("arguments of the method call", hint: "a field is read with '.'")
    }
    return takeList(from: mark)
  }

  private mutating func table() throws(SyntaxAbort) -> UInt32 {
    let opening = opening
    try advance()
    let mark = scratch.count
    while token.kind != .rightBrace {
      let item = try tableField()
      scratch.append(item)
      if try take(.comma) { continue }
      if try take(.semicolon) { continue }
      break
    }
    if token.kind != .rightBrace { throw failTableEnd(opening) }
    try advance()
    let list = takeList(from: mark)
    return add(.table, list, start: opening.start)
  }

  private mutating func tableField() throws(SyntaxAbort) -> UInt32 {
    let start = token.start
    switch token.kind {
    case .name:
      guard try lexer.peek() == .assign else { break }
      let name = UInt32(truncatingIfNeeded: token.value)
      try advance()
      let key = add(.stringLiteral, name, start: start)
      try advance()
      let value = try expression()
      return add(.tableNamed, key, value, start: start)
    case .leftBracket:
      let key = try bracketedKey()
      guard try take(.assign) else { throw failExpected("'=' after the key") }
      let value = try expression()
      return add(.tableKeyed, key, value, start: start)
    default:
      break
    }
    let value = try expression()
    return add(.tableItem, value, start: start)
  }

  /// Parameters and body, after the word `function` and a name, if there is one.
  mutating func functionBody(_ opening: Opening, isMethod: Bool) throws(SyntaxAbort) -> UInt32 {
    scopes.openFunction(isVararg: false)
    guard token.kind == .leftParenthesis else { throw failNoParameters() }
    let parenthesis = self.opening
    try advance()
    let mark = scratch.count
    if isMethod {
      let start = parenthesis.start
      let node = try declare(Interner.selfName, .implicitSelf, from: start, to: start)
      scratch.append(node)
    }
    while token.kind != .rightParenthesis {
      if token.kind == .ellipsis {
        try advance()
        scopes.function.isVararg = true
        break
      }
      let (start, end) = (token.start, token.end)
      let name = try takeName("parameter name")
      let node = try declare(name, .parameter, from: start, to: end)
      scratch.append(node)
      guard try take(.comma) else { break }
      if token.kind == .rightParenthesis { throw failExpected("parameter name after ','") }
    }
    for index in mark..<scratch.count { activate(scratch[index]) }
    let parameters = takeList(from: mark)
    if token.kind != .rightParenthesis {
      throw failUnclosed(.rightParenthesis, parenthesis, canContinue: !scopes.function.isVararg)
    }
    try advance()
    let bodyStart = token.start
    let list = try statementList()
    let block = add(.block, list, 0, from: bodyStart, to: max(bodyStart, lexer.previousEnd))
    try close(.end, opening)
    let flags: UInt32 = (scopes.function.isVararg ? 1 : 0) | (isMethod ? 2 : 0)
    try closeFunctionScope()
    return add(.function, parameters, block, flags, start: opening.start)
  }

  /// Takes a name and gives its string.
  mutating func takeName(_ what: String) throws(SyntaxAbort) -> UInt32 {
    guard token.kind == .name else { throw failNoName(what) }
    let name = UInt32(truncatingIfNeeded: token.value)
    try advance()
    return name
  }

  /// Takes what closes `opening`.
  @inline(__always)
  mutating func close(_ kind: TokenKind, _ opening: Opening) throws(SyntaxAbort) {
    guard token.kind == kind else { throw failUnclosed(kind, opening) }
    if recordsIndentation { noteIndentation(opening) }
    try advance()
  }
}
