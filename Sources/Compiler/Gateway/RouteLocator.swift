// Where an entry of the gateway comes from, as narrow as can be told: the literal itself, a literal with the
// same text on the gateway's line that made the entry (an argument of a helper), the expression in the
// helper, or that line as a whole.

internal import SpacerLuaVM

/// Finds the places of one evaluation's entries.
struct RouteLocator {
  private let modules: GatewayModules
  private let gatewayPath: String
  /// String literals of the gateway by the line they begin on.
  private let literalsByLine: [Int: [NodeID]]

  init(_ modules: GatewayModules, gatewayPath: String) {
    self.modules = modules
    self.gatewayPath = gatewayPath
    var literals: [Int: [NodeID]] = [:]
    if let file = modules.gatewayFile {
      for (index, node) in file.tree.nodes.enumerated() where node.kind == .stringLiteral {
        literals[file.lines.line(at: Int(node.start)), default: []].append(NodeID(index))
      }
    }
    literalsByLine = literals
  }

  /// The gateway as a whole.
  var gateway: SourceLocation { SourceLocation(path: gatewayPath) }

  /// The places of an entry; `table` is nil when the entry is no table.
  func places(of table: GatewayState.Table?) -> GatewayEntry.Places {
    guard let table, let mark = table.mark, modules.constructors.indices.contains(Int(mark)) else {
      return GatewayEntry.Places(
        entry: gateway, fields: [gateway, gateway, gateway], gatewayLine: table?.gatewayLine ?? 0)
    }
    let constructor = modules.constructors[Int(mark)]
    let file = modules.files[constructor.file]
    let items = positionalItems(of: constructor.node, in: file.tree)
    let entry = entryPlace(constructor.node, file: file, items: items, line: table.gatewayLine)
    let fields = (0..<3).map { index in
      let value = table.items.indices.contains(index) ? table.items[index] : .nil
      return fieldPlace(
        items.indices.contains(index) ? items[index] : nil, value: value, file: file, entry: entry,
        line: table.gatewayLine)
    }
    var line = table.gatewayLine
    if entry.path == gatewayPath, let range = entry.range, let gateway = modules.gatewayFile {
      line = gateway.lines.line(at: Int(range.start))
    }
    return GatewayEntry.Places(entry: entry, fields: fields, gatewayLine: line)
  }

  /// The place of the value that the gateway returned.
  func place(of table: GatewayState.Table) -> SourceLocation {
    guard let mark = table.mark, modules.constructors.indices.contains(Int(mark)) else { return gateway }
    let constructor = modules.constructors[Int(mark)]
    let file = modules.files[constructor.file]
    return SourceLocation(path: file.path, range: file.tree.range(constructor.node))
  }

  /// The place of the list's entry at `index`, where the list was written out; else of the list.
  func place(ofItem index: Int, in table: GatewayState.Table) -> SourceLocation {
    guard let mark = table.mark, modules.constructors.indices.contains(Int(mark)) else { return gateway }
    let constructor = modules.constructors[Int(mark)]
    let file = modules.files[constructor.file]
    let items = positionalItems(of: constructor.node, in: file.tree)
    guard items.count == table.items.count, items.indices.contains(index) else { return place(of: table) }
    return SourceLocation(path: file.path, range: file.tree.range(items[index]))
  }

  /// The content of a 1-based line of a loaded file.
  func line(_ line: Int, of path: String) -> SourceLocation {
    guard line > 0, let file = modules.file(path) else { return SourceLocation(path: path) }
    return SourceLocation(path: path, range: file.lines.trimmedRange(ofLine: line))
  }

  private func positionalItems(of constructor: NodeID, in tree: SyntaxTree) -> [NodeID] {
    tree.list(tree[constructor].a).compactMap { item in
      let node = tree.nodes[Int(item)]
      return node.kind == .tableItem ? NodeID(Int(node.a)) : nil
    }
  }

  private func entryPlace(
    _ constructor: NodeID, file: GatewayModules.File, items: [NodeID], line: Int
  ) -> SourceLocation {
    let own = SourceLocation(path: file.path, range: file.tree.range(constructor))
    let isWrittenOut = items.count >= 3 && items.allSatisfy { file.tree[$0].kind == .stringLiteral }
    if isWrittenOut || line == 0 { return own }
    let node = file.tree[constructor]
    let lines = file.lines.line(at: Int(node.start))...file.lines.line(at: Int(node.end))
    if file.path == gatewayPath, lines.contains(line) { return own }
    return self.line(line, of: gatewayPath)
  }

  private func fieldPlace(
    _ item: NodeID?, value: GatewayState.Value, file: GatewayModules.File, entry: SourceLocation, line: Int
  ) -> SourceLocation {
    if let item, file.tree[item].kind == .stringLiteral {
      return SourceLocation(path: file.path, range: file.tree.range(item))
    }
    if case .string(let bytes) = value, let gateway = modules.gatewayFile,
      let literal = literalsByLine[line]?.first(where: {
        gateway.tree.strings[Int(gateway.tree[$0].a)].elementsEqual(bytes)
      })
    {
      return SourceLocation(path: gatewayPath, range: gateway.tree.range(literal))
    }
    if let item, entry.path == file.path, let range = entry.range {
      let own = file.tree.range(item)
      if own.start >= range.start, own.end <= range.end { return SourceLocation(path: file.path, range: own) }
    }
    return entry
  }
}

extension LineMap {
  /// A 1-based line without the blanks around its text.
  package func trimmedRange(ofLine line: Int) -> SourceRange {
    var range = contents(ofLine: line)
    func isBlank(_ offset: Int) -> Bool { bytes[offset] == 0x20 || bytes[offset] == 0x09 }
    while let first = range.first, isBlank(first) { range = (first + 1)..<range.upperBound }
    while let last = range.last, isBlank(last) { range = range.lowerBound..<last }
    return SourceRange(start: range.lowerBound, end: range.upperBound)
  }
}
