// Descriptions of arguments that are handed to `validate`: `validate { id = "integer" }`. A table whose keys and
// values are all constants becomes JSON for the artifact; of any other only the types it names are looked at.

extension FactsBuilder {
  /// Nesting of a description; the runtime has the same bound.
  private static let depthMax = 32
  /// Of one description's JSON text, in bytes.
  private static let descriptionBytesMax = 64 << 10

  /// `validate(fields, options)` and `validate.check(fields, args, options)`.
  mutating func collectValidation(
    _ fields: UInt32?, options: UInt32?, _ call: UInt32, _ context: Context
  ) {
    guard let fields, node(fields).kind == .table else { return }
    collectTypes(inFields: fields, context, depth: 0)
    guard let fieldsText = constantJSON(fields, depth: 0) else { return }
    // `{}` by itself is an array to nobody here: fields are named.
    var members = [("fields", fieldsText), ("type", "\"object\"")]
    if let options, node(options).kind != .nilLiteral {
      guard node(options).kind == .table, let entries = constantEntries(options, depth: 0) else { return }
      for (key, value) in entries.named where key == "extra" { members.append((key, value)) }
    }
    let text = CanonicalJSON.object(members)
    guard text.utf8.count <= Self.descriptionBytesMax else { return }
    facts.validations.append(.init(line: line(of: Int(node(call).start)), description: text))
  }

  private func line(of offset: Int) -> Int {
    LineMap(Array(bytes[..<offset])).lineCount
  }

  // MARK: Types

  private mutating func collectTypes(inFields index: UInt32, _ context: Context, depth: Int) {
    for item in tree.list(node(index).a) {
      let entry = node(item)
      if entry.kind == .tableNamed || entry.kind == .tableKeyed {
        collectTypes(inDescription: entry.b, context, depth: depth + 1)
      }
    }
  }

  private mutating func collectTypes(inDescription index: UInt32, _ context: Context, depth: Int) {
    guard depth < Self.depthMax else { return }
    if let name = constantText(index) { return noteType(name, index, context) }
    guard node(index).kind == .table else { return }
    var options: [(name: String, key: UInt32)] = []
    var type: String?
    for item in tree.list(node(index).a) {
      let entry = node(item)
      guard entry.kind == .tableNamed || entry.kind == .tableKeyed, let key = constantText(entry.a) else {
        continue
      }
      if node(entry.b).kind != .nilLiteral { options.append((key, entry.a)) }
      switch key {
      case "type":
        type = constantText(entry.b)
        if let type { noteType(type, entry.b, context) }
      case "items": collectTypes(inDescription: entry.b, context, depth: depth + 1)
      case "fields" where node(entry.b).kind == .table:
        collectTypes(inFields: entry.b, context, depth: depth + 1)
      default: break
      }
    }
    guard let type, let known = DescriptionTypes.options(of: type) else { return }
    for option in options where !known.contains(option.name) {
      facts.unknownTypes.append(
        .init(
          name: DescriptionTypes.fact(option: option.name, of: type), range: range(option.key),
          isGuarded: context.contains(.guarded))
      )
    }
  }

  private mutating func noteType(_ name: String, _ index: UInt32, _ context: Context) {
    guard DescriptionTypes.options(of: name) == nil else { return }
    facts.unknownTypes.append(
      .init(name: name, range: range(index), isGuarded: context.contains(.guarded)))
  }

  // MARK: Constants

  /// The canonical JSON of a constant expression, nil for any other.
  private func constantJSON(_ index: UInt32, depth: Int) -> String? {
    let node = node(index)
    guard depth < Self.depthMax else { return nil }
    switch node.kind {
    case .trueLiteral: return "true"
    case .falseLiteral: return "false"
    case .parenthesized: return constantJSON(node.a, depth: depth + 1)
    case .integerLiteral: return String(Int64(bitPattern: Self.bits(node)))
    case .floatLiteral: return CanonicalJSON.number(Double(bitPattern: Self.bits(node)))
    case .unary where node.c == UnaryOperator.negate.rawValue:
      let operand = self.node(node.a)
      switch operand.kind {
      case .integerLiteral: return String(0 &- Int64(bitPattern: Self.bits(operand)))
      case .floatLiteral: return CanonicalJSON.number(-Double(bitPattern: Self.bits(operand)))
      default: return nil
      }
    case .localReference where isConstantNumber(node.b):
      return constantJSON(values[Int(node.b)], depth: depth + 1)
    case .table:
      guard let entries = constantEntries(index, depth: depth) else { return nil }
      if entries.listed.isEmpty { return CanonicalJSON.object(entries.named) }
      return entries.named.isEmpty ? CanonicalJSON.array(entries.listed) : nil
    default: return constantText(index).flatMap { Self.json($0) }
    }
  }

  /// What a table constructor holds, when all of it is constant.
  private func constantEntries(
    _ index: UInt32, depth: Int
  ) -> (named: [(String, String)], listed: [String])? {
    var named: [(String, String)] = []
    var listed: [String] = []
    for item in tree.list(node(index).a) {
      let entry = node(item)
      let value = entry.kind == .tableItem ? entry.a : entry.b
      guard let text = constantJSON(value, depth: depth + 1) else { return nil }
      if entry.kind == .tableItem {
        listed.append(text)
      } else {
        guard let key = constantText(entry.a), !named.contains(where: { $0.0 == key }) else { return nil }
        named.append((key, text))
      }
    }
    return (named, listed)
  }

  /// Whether a local only ever holds a number that is written there.
  private func isConstantNumber(_ symbol: UInt32) -> Bool {
    let local = tree.symbols[Int(symbol)]
    guard local.writes == 0, local.kind == .local, values[Int(symbol)] != NodeID.none.index else {
      return false
    }
    switch node(values[Int(symbol)]).kind {
    case .integerLiteral, .floatLiteral, .unary: return true
    default: return false
    }
  }

  private static func bits(_ node: Node) -> UInt64 { UInt64(node.b) << 32 | UInt64(node.a) }

  /// Nil for what is no UTF-8; the text came from bytes and would hold a replacement.
  private static func json(_ text: String) -> String? {
    text.unicodeScalars.contains("\u{FFFD}") ? nil : CanonicalJSON.string(text)
  }
}
