// Unreachable code: statements that follow, in one block, a statement after which control never goes on.
// A label makes what follows it reachable again, whoever jumps there.

extension FactsBuilder {
  /// Sets `endsFlow` of a statement or block whose parts are done, and reports dead statements in a block.
  mutating func findFlow(_ index: UInt32) {
    let node = node(index)
    switch node.kind {
    case .returnStatement, .breakStatement, .gotoStatement: endsFlow[Int(index)] = true
    case .callStatement:
      let call = self.node(node.a)
      endsFlow[Int(index)] = call.kind == .call && meaning(of: call.a) == .error
    case .doStatement: endsFlow[Int(index)] = endsFlow[Int(node.a)]
    case .whileStatement: endsFlow[Int(index)] = node.c == 0 && isAlways(true, node.a)
    case .repeatStatement:
      endsFlow[Int(index)] = node.c == 0 && (endsFlow[Int(node.a)] || isAlways(false, node.b))
    case .ifStatement:
      guard node.b != NodeID.none.index, endsFlow[Int(node.b)] else { return }
      let parts = Array(tree.list(node.a))
      endsFlow[Int(index)] = stride(from: 1, to: parts.count, by: 2).allSatisfy { endsFlow[Int(parts[$0])] }
    case .block: findFlow(inBlock: index)
    default: break
    }
  }

  private func isAlways(_ truth: Bool, _ condition: UInt32) -> Bool {
    switch node(condition).kind {
    case .trueLiteral, .integerLiteral, .floatLiteral, .stringLiteral: truth
    case .falseLiteral, .nilLiteral: !truth
    default: false
    }
  }

  private mutating func findFlow(inBlock block: UInt32) {
    var ending: UInt32?
    var dead: (first: UInt32, last: UInt32, ending: UInt32)?
    for statement in tree.list(node(block).a) {
      if node(statement).kind == .labelStatement {
        ending = nil
        if let dead { reportDead(dead) }
        dead = nil
        continue
      }
      if let ending { dead = (dead?.first ?? statement, statement, dead?.ending ?? ending) }
      if ending == nil, endsFlow[Int(statement)] { ending = statement }
    }
    if let dead { reportDead(dead) }
    endsFlow[Int(block)] = ending != nil
  }

  private mutating func reportDead(_ dead: (first: UInt32, last: UInt32, ending: UInt32)) {
    let range = SourceRange(start: Int(node(dead.first).start), end: Int(node(dead.last).end))
    let ending = node(dead.ending)
    let message =
      switch ending.kind {
      case .returnStatement: "the function is left here"
      case .breakStatement: "the loop is left here"
      case .gotoStatement: "control jumps away here"
      case .callStatement: "'error' never returns"
      case .whileStatement, .repeatStatement: "this loop never ends"
      default: "every way through this leaves"
      }
    // The first line of a long statement says enough.
    let start = Int(ending.start)
    let lineEnd = bytes[start..<Int(ending.end)].firstIndex(where: LuaSource.isLineEnd) ?? Int(ending.end)
    report(
      .unreachableCode, .warning, "unreachable code", range,
      notes: [
        .init(message, at: SourceLocation(path: path, range: SourceRange(start: start, end: lineEnd)))
      ])
  }
}
