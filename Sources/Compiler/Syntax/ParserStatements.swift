// Statements. Each pushes its node onto `scratch`; the block around it takes the run as its list.

extension ParserState {
  /// Statements up to what ends a block; a `return` is the last.
  mutating func statementList() throws(SyntaxAbort) -> UInt32 {
    let mark = scratch.count
    while !token.kind.endsBlock(withUntil: true) {
      let isReturn = token.kind == .return
      try statement()
      if isReturn { break }
    }
    return takeList(from: mark)
  }

  /// A block with a scope of its own.
  private mutating func block() throws(SyntaxAbort) -> UInt32 {
    scopes.openBlock()
    let node = try blockInScope()
    scopes.closeBlock()
    return node
  }

  private mutating func blockInScope() throws(SyntaxAbort) -> UInt32 {
    let start = token.start
    let list = try statementList()
    return add(.block, list, 0, from: start, to: max(start, lexer.previousEnd))
  }

  private mutating func statement() throws(SyntaxAbort) {
    try enterLevel()
    let node: UInt32
    switch token.kind {
    case .semicolon:
      try advance()
      return leaveLevel()
    case .doubleColon:
      try labelStatement()
      return leaveLevel()
    case .if: node = try ifStatement()
    case .while: node = try whileStatement()
    case .do:
      let opening = opening
      try advance()
      let body = try block()
      try close(.end, opening)
      node = add(.doStatement, body, start: opening.start)
    case .for: node = try forStatement()
    case .repeat: node = try repeatStatement()
    case .function: node = try functionStatement()
    case .local: node = try localStatement()
    case .return: node = try returnStatement()
    case .break:
      let start = token.start
      guard scopes.loops.count > scopes.function.loopBase else { throw failBreak() }
      try advance()
      scopes.loops[scopes.loops.count - 1] = true
      node = add(.breakStatement, start: start)
    case .goto: node = try gotoStatement()
    default: node = try expressionStatement()
    }
    scratch.append(node)
    leaveLevel()
  }

  // MARK: Control

  private mutating func ifStatement() throws(SyntaxAbort) -> UInt32 {
    let opening = opening
    let mark = scratch.count
    repeat {
      let word = token.kind
      try advance()
      let condition = try expression()
      guard try take(.then) else { throw failAfterCondition("then", word) }
      let body = try block()
      scratch.append(condition)
      scratch.append(body)
    } while token.kind == .elseif
    var otherwise = NodeID.none.index
    let elseStart = token.start
    var isElseIf = false
    if try take(.else) {
      isElseIf = token.kind == .if && !LuaSource.spansLines(elseStart, token.start, in: lexer.bytes)
      if isElseIf { openElseIfs.append(elseStart) }
      otherwise = try block()
    }
    try close(.end, opening)
    if isElseIf { openElseIfs.removeLast() }
    let list = takeList(from: mark)
    return add(.ifStatement, list, otherwise, start: opening.start)
  }

  private mutating func whileStatement() throws(SyntaxAbort) -> UInt32 {
    let opening = opening
    try advance()
    let condition = try expression()
    guard token.kind == .do else { throw failAfterCondition("do", .while) }
    try advance()
    scopes.loops.append(false)
    let body = try block()
    try close(.end, opening)
    let hasBreak = scopes.loops.popLast() == true
    return add(.whileStatement, condition, body, hasBreak ? 1 : 0, start: opening.start)
  }

  private mutating func repeatStatement() throws(SyntaxAbort) -> UInt32 {
    let opening = opening
    try advance()
    scopes.loops.append(false)
    scopes.openBlock()
    let body = try blockInScope()
    try close(.until, opening)
    let condition = try expression()
    scopes.closeBlock()
    let hasBreak = scopes.loops.popLast() == true
    return add(.repeatStatement, body, condition, hasBreak ? 1 : 0, start: opening.start)
  }

  private mutating func forStatement() throws(SyntaxAbort) -> UInt32 {
    let opening = opening
    try advance()
    scopes.openBlock()
    let mark = scratch.count
    let (start, end) = (token.start, token.end)
    let name = try takeName("loop variable after 'for'")
    let isNumeric = token.kind == .assign
    try countLocals(isNumeric ? 3 : 4, start, end)
    let first = try declare(name, .loop, from: start, to: end)
    scratch.append(first)
    let node: UInt32
    if isNumeric {
      try advance()
      let range = try numericRange()
      scratch.removeLast()
      activate(first)
      let body = try loopBody(opening)
      node = add(.numericFor, first, range, body, start: opening.start)
    } else {
      while try take(.comma) {
        let (start, end) = (token.start, token.end)
        let name = try takeName("loop variable after ','")
        let next = try declare(name, .loop, from: start, to: end)
        scratch.append(next)
      }
      guard token.kind == .in else { throw failForHeader(scratch.count - mark) }
      try advance()
      let values = try expressionList()
      for index in mark..<scratch.count { activate(scratch[index]) }
      let names = takeList(from: mark)
      let body = try loopBody(opening)
      node = add(.genericFor, names, values, body, start: opening.start)
    }
    scopes.closeBlock()
    return node
  }

  /// Start, limit and, if given, step.
  private mutating func numericRange() throws(SyntaxAbort) -> UInt32 {
    let mark = scratch.count
    let start = try expression()
    scratch.append(start)
    guard try take(.comma) else { throw failExpected("',' and the last value of the loop") }
    let limit = try expression()
    scratch.append(limit)
    if try take(.comma) {
      let step = try expression()
      scratch.append(step)
    }
    return takeList(from: mark)
  }

  private mutating func loopBody(_ opening: Opening) throws(SyntaxAbort) -> UInt32 {
    guard token.kind == .do else { throw failAfterCondition("do", .for) }
    try advance()
    scopes.loops.append(false)
    let body = try block()
    scopes.loops.removeLast()
    try close(.end, opening)
    return body
  }

  private mutating func returnStatement() throws(SyntaxAbort) -> UInt32 {
    let start = token.start
    try advance()
    let list: UInt32
    if token.kind.endsBlock(withUntil: true) || token.kind == .semicolon {
      list = takeList(from: scratch.count)
    } else {
      list = try expressionList()
    }
    let node = add(.returnStatement, list, start: start)
    _ = try take(.semicolon)
    return node
  }

  private mutating func gotoStatement() throws(SyntaxAbort) -> UInt32 {
    let start = token.start
    try advance()
    let name = try takeName("label name after 'goto'")
    if scopes.visibleLabel(name) == nil { scopes.addGoto(name, start, lexer.previousEnd) }
    return add(.gotoStatement, name, start: start)
  }

  /// `::name::` and the labels and semicolons right after it, which the VM takes in the same call.
  private mutating func labelStatement() throws(SyntaxAbort) {
    let start = token.start
    try advance()
    let name = try takeName("label name after '::'")
    guard try take(.doubleColon) else { throw failExpected("'::' after the label's name") }
    let end = lexer.previousEnd
    let node = add(.labelStatement, name, start: start)
    scratch.append(node)
    while token.kind == .semicolon || token.kind == .doubleColon { try statement() }
    if let earlier = scopes.visibleLabel(name) { throw failDuplicateLabel(name, earlier, start, end) }
    let endsBlock = token.kind.endsBlock(withUntil: false)
    if let pending = scopes.addLabel(name, start, end, endsBlock: endsBlock) {
      throw failJumpIntoScope(pending, start, end)
    }
  }

  // MARK: Declarations and assignments

  private mutating func functionStatement() throws(SyntaxAbort) -> UInt32 {
    let opening = opening
    try advance()
    let nameStart = token.start
    let nameEnd = token.end
    let name = try takeName("name after 'function'")
    var target = reference(name, from: nameStart, to: nameEnd)
    while token.kind == .dot { target = try field(of: target, nameStart) }
    let isMethod = token.kind == .colon
    if isMethod { target = try field(of: target, nameStart) }
    try makeTarget(target)
    let function = try functionBody(opening, isMethod: isMethod)
    return add(.functionStatement, target, function, start: opening.start)
  }

  private mutating func localStatement() throws(SyntaxAbort) -> UInt32 {
    let start = token.start
    try advance()
    if token.kind == .function { return try localFunction(start) }
    let mark = scratch.count
    var hasClose = false
    repeat {
      let (nameStart, nameEnd) = (token.start, token.end)
      let name = try takeName(scratch.count == mark ? "name after 'local'" : "name after ','")
      let node = try declare(name, .local, from: nameStart, to: nameEnd)
      let attribute = try localAttribute(&hasClose)
      nodes[Int(node)].c = attribute
      scratch.append(node)
    } while try take(.comma)
    var values: UInt32
    if try take(.assign) {
      values = try expressionList()
    } else {
      values = takeList(from: scratch.count)
      if token.kind == .equal || token.kind == .dot || token.kind == .colon { throw failLocalValue() }
    }
    for index in mark..<scratch.count { activate(scratch[index]) }
    let names = takeList(from: mark)
    return add(.localStatement, names, values, start: start)
  }

  /// `<const>` or `<close>` after a local's name, as a localName's `c`.
  private mutating func localAttribute(_ hasClose: inout Bool) throws(SyntaxAbort) -> UInt32 {
    guard try take(.less) else { return 0 }
    let (start, end) = (token.start, token.end)
    let name = try takeName("'const' or 'close' after '<'")
    guard try take(.greater) else { throw failExpected("'>' after the attribute") }
    switch String(decoding: lexer.interner.strings[Int(name)], as: UTF8.self) {
    case "const": return 1
    case "close":
      if hasClose { throw lexer.fail("more than one <close> variable in one 'local'", start, end) }
      hasClose = true
      return 2
    case let other:
      throw lexer.fail("unknown attribute '\(other)'", start, end, hint: "there are <const> and <close>")
    }
  }

  private mutating func localFunction(_ start: Int) throws(SyntaxAbort) -> UInt32 {
    let opening = opening
    try advance()
    let (nameStart, nameEnd) = (token.start, token.end)
    let name = try takeName("name after 'local function'")
    let node = try declare(name, .function, from: nameStart, to: nameEnd)
    activate(node)
    let function = try functionBody(opening, isMethod: false)
    return add(.localFunction, node, function, start: start)
  }

  /// A call or an assignment.
  private mutating func expressionStatement() throws(SyntaxAbort) -> UInt32 {
    let start = token.start
    let first = try suffixedExpression()
    guard token.kind == .assign || token.kind == .comma else {
      let kind = nodes[Int(first)].kind
      guard kind == .call || kind == .methodCall else { throw failNoStatement(first) }
      return add(.callStatement, first, start: start)
    }
    let mark = scratch.count
    var target = first
    var depth = 0
    while true {
      switch nodes[Int(target)].kind {
      case .localReference, .globalReference, .index: break
      default: throw failTarget(target)
      }
      try makeTarget(target)
      scratch.append(target)
      guard try take(.comma) else { break }
      target = try suffixedExpression()
      try enterLevel()
      depth += 1
    }
    guard try take(.assign) else { throw failExpected("'=' after the names to assign to") }
    let values = try expressionList()
    level -= depth
    let targets = takeList(from: mark)
    return add(.assignment, targets, values, start: start)
  }
}
