// Walking the tree without recursion: since a child's index is below its parent's (node 0, the chunk's block,
// excepted), a loop down from the last node meets parents first, one up from node 1 meets children first.

extension SyntaxTree {
  /// Calls `body` with every child of `node`, in the order of the text.
  @inline(__always)
  func forEachChild(of node: Node, _ body: (UInt32) -> Void) {
    switch node.kind {
    case .block, .returnStatement, .table: list(node.a).forEach(body)
    case .localStatement, .assignment, .genericFor:
      list(node.a).forEach(body)
      list(node.b).forEach(body)
      if node.kind == .genericFor { body(node.c) }
    case .ifStatement:
      list(node.a).forEach(body)
      if node.b != NodeID.none.index { body(node.b) }
    case .numericFor:
      body(node.a)
      list(node.b).forEach(body)
      body(node.c)
    case .function:
      list(node.a).forEach(body)
      body(node.b)
    case .call, .methodCall:
      body(node.a)
      list(node.b).forEach(body)
    case .callStatement, .doStatement, .parenthesized, .tableItem, .unary: body(node.a)
    case .whileStatement, .repeatStatement, .functionStatement, .localFunction, .index, .binary, .tableNamed,
      .tableKeyed:
      body(node.a)
      body(node.b)
    case .localName, .breakStatement, .gotoStatement, .labelStatement, .nilLiteral, .trueLiteral,
      .falseLiteral, .integerLiteral, .floatLiteral, .stringLiteral, .vararg, .localReference,
      .globalReference:
      break
    }
  }
}
