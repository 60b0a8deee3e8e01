// The second pass: each node's context, handed down from parents to children.

extension FactsBuilder {
  mutating func findContexts() {
    guard !tree.nodes.isEmpty else { return }
    // One copy for all nodes: the contexts change while the tree is walked.
    let tree = tree
    handDown(0, tree)
    for index in stride(from: tree.nodes.count - 1, to: 0, by: -1) { handDown(UInt32(index), tree) }
  }

  private mutating func handDown(_ index: UInt32, _ tree: SyntaxTree) {
    let node = tree.nodes[Int(index)]
    var context = contexts[Int(index)].subtracting([.target, .tested])
    if node.kind == .function {
      if !context.contains(.immediate) { context.insert(.inFunction) }
      context.remove(.immediate)
    }
    if node.kind != .parenthesized { context.remove(.immediate) }
    if !context.isEmpty { Self.handDown(context, from: node, in: tree, to: &contexts) }
    switch node.kind {
    case .assignment: for target in tree.list(node.a) { contexts[Int(target)].insert(.target) }
    case .functionStatement: contexts[Int(node.a)].insert(.target)
    case .call: handDownCall(node)
    case .unary:
      if node.c == UnaryOperator.not.rawValue { contexts[Int(node.a)].insert(.tested) }
    case .binary:
      handDownTest(node)
      if node.c == BinaryOperator.and.rawValue, testsEngine(node.a) {
        contexts[Int(node.b)].insert(.engineTested)
      }
    case .ifStatement:
      let parts = tree.list(node.a)
      var condition: UInt32?
      for part in parts {
        if let tested = condition {
          if testsEngine(tested) { contexts[Int(part)].insert(.engineTested) }
          condition = nil
        } else {
          contexts[Int(part)].insert(.tested)
          condition = part
        }
      }
    default: break
    }
  }

  private mutating func handDownTest(_ node: Node) {
    switch node.c {
    case BinaryOperator.or.rawValue, BinaryOperator.and.rawValue, BinaryOperator.equal.rawValue,
      BinaryOperator.notEqual.rawValue:
      contexts[Int(node.a)].insert(.tested)
      contexts[Int(node.b)].insert(.tested)
    default: break
    }
  }

  private static func handDown(
    _ context: Context, from node: Node, in tree: borrowing SyntaxTree, to contexts: inout [Context]
  ) {
    tree.forEachChild(of: node) { contexts[Int($0)].formUnion(context) }
  }

  private mutating func handDownCall(_ node: Node) {
    if self.node(node.a).kind == .parenthesized { contexts[Int(node.a)].insert(.immediate) }
    let arguments = tree.list(node.b)
    let callee = meaning(of: node.a)
    if callee == .pcall || callee == .xpcall, let first = arguments.first {
      contexts[Int(first)].insert(.guarded)
      if self.node(first).kind == .function { contexts[Int(first)].insert(.immediate) }
    }
    // A table handed to a function may come back with a metatable.
    guard callee != .harmlessFunction, callee != .error, callee != .require else { return }
    for argument in arguments { escape(argument) }
  }

  mutating func escape(_ index: UInt32) {
    if node(index).kind == .localReference { escapes[Int(node(index).b)] = true }
  }

  /// Whether a condition asks for the existence of an engine-only name: `ngx`, `ngx ~= nil`, `type(ngx) == …`.
  private func testsEngine(_ index: UInt32, depth: Int = 0) -> Bool {
    let node = node(index)
    guard depth < 5 else { return false }
    switch node.kind {
    case .globalReference, .localReference:
      switch meaning(of: index) {
      case .engineTable, .engineFunction: return true
      default: return false
      }
    case .parenthesized: return testsEngine(node.a, depth: depth + 1)
    case .binary: return testsEngine(node.a, depth: depth + 1) || testsEngine(node.b, depth: depth + 1)
    case .call: return tree.list(node.b).first.map { testsEngine($0, depth: depth + 1) } ?? false
    default: return false
    }
  }
}
