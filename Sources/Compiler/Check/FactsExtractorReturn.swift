// What the file returns, and the locals nobody reads.

extension FactsBuilder {
  mutating func collectReturn() {
    guard let chunk = tree.nodes.first else { return }
    let statements = tree.list(chunk.a)
    facts.returnRange = SourceRange(start: bytes.count, end: bytes.count)
    if let last = statements.last, node(last).kind == .returnStatement {
      facts.returnRange = range(last)
      guard let value = tree.list(node(last).a).first else {
        facts.returnShape = .nothing
        return
      }
      facts.returnRange = range(value)
      facts.returnShape = shape(of: value)
      return
    }
    // Another return further in, or an end that is never reached, leaves it open what the file gives.
    let returnsElsewhere = tree.nodes.indices.contains { index in
      let node = tree.nodes[index]
      return node.kind == .returnStatement && !contexts[index].contains(.inFunction)
        && !tree.list(node.a).isEmpty
    }
    facts.returnShape = returnsElsewhere || endsFlow[0] ? .unknown : .nothing
    if facts.returnShape == .nothing { facts.unreturnedFunction = unreturnedFunction() }
  }

  private func unreturnedFunction() -> ModuleFacts.Reference? {
    let candidates = tree.symbols.indices.filter { index in
      let symbol = tree.symbols[index]
      guard symbol.isTopLevel, symbol.reads == 0, symbol.writes == 0 else { return false }
      return values[index] != NodeID.none.index && node(values[index]).kind == .function
    }
    guard candidates.count == 1, let only = candidates.first else { return nil }
    let symbol = tree.symbols[only]
    return .init(name: tree.text(symbol.name), range: tree.range(symbol.declaration))
  }

  private mutating func shape(of index: UInt32, depth: Int = 0) -> ModuleFacts.ReturnShape {
    let node = node(index)
    guard depth < 4 else { return .unknown }
    switch node.kind {
    case .function: return .function
    case .nilLiteral, .trueLiteral, .falseLiteral, .integerLiteral, .floatLiteral, .stringLiteral, .table:
      return .notAFunction
    case .binary:
      let isLogic = node.c == BinaryOperator.and.rawValue || node.c == BinaryOperator.or.rawValue
      return isLogic ? .unknown : .notAFunction
    case .unary: return .notAFunction
    case .parenthesized: return shape(of: node.a, depth: depth + 1)
    case .globalReference: return shapeOfGlobal(node.a)
    case .localReference: return shapeOfLocal(node.b, depth: depth)
    default: return .unknown
    }
  }

  private func shapeOfGlobal(_ name: UInt32) -> ModuleFacts.ReturnShape {
    let text = tree.text(name)
    guard StandardGlobals.names.contains(text) else { return .unknown }
    return StandardGlobals.libraries.contains(text) || text.hasPrefix("_") ? .notAFunction : .function
  }

  private mutating func shapeOfLocal(_ symbol: UInt32, depth: Int) -> ModuleFacts.ReturnShape {
    let local = tree.symbols[Int(symbol)]
    guard local.writes == 0 else { return .unknown }
    let value = values[Int(symbol)]
    if value != NodeID.none.index {
      let shape = shape(of: value, depth: depth + 1)
      return shape == .notAFunction && escapes[Int(symbol)] ? .unknown : shape
    }
    // Without a value of its own it is nil, unless a call or `...` before it in its statement gives more.
    return local.kind == .local && isAloneWithoutValue(local) ? .notAFunction : .unknown
  }

  private func isAloneWithoutValue(_ local: Symbol) -> Bool {
    let statement = tree.nodes.first { node in
      node.kind == .localStatement && tree.list(node.a).contains(local.declaration.index)
    }
    return statement.map { tree.list($0.b).isEmpty } ?? false
  }

  mutating func collectUnusedLocals() {
    for symbol in tree.symbols where symbol.reads == 0 {
      guard symbol.kind == .local || symbol.kind == .function else { continue }
      let declaration = tree[symbol.declaration]
      let name = tree.text(symbol.name)
      // A <close> variable works by existing.
      if name.hasPrefix("_") || declaration.c == 2 { continue }
      let range = tree.range(symbol.declaration)
      let what = symbol.kind == .function ? "local function" : "local"
      let isSafeToRename = symbol.writes == 0
      report(
        .unusedLocal, .warning,
        isSafeToRename ? "\(what) '\(name)' is never used" : "\(what) '\(name)' is assigned but never read",
        range, hint: "remove it, or call it '_\(name)' if it only fills a place",
        fix: isSafeToRename ? .init(range: range, replacement: "_\(name)") : nil)
    }
  }
}
