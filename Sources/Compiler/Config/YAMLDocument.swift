// From the parser's tree to `ConfigNode`s. The parser bounds its own recursion (1,000 levels); here depth and
// expansion get the tighter bounds of `ConfigLimits`.

internal import Yams

/// Parses one YAML document.
struct YAMLDocument {
  private let text: YAMLText
  private var anchors: [String: ConfigNode] = [:]

  /// The document's root; nil when the file holds nothing.
  static func parse(_ bytes: [UInt8], path: String) throws(YAMLFailure) -> ConfigNode? {
    let text = try YAMLText(bytes, path: path)
    do {
      // The encoding is named so that no environment variable chooses it.
      let parser = try Yams.Parser(yaml: text.parserInput, encoding: .utf8)
      // A node's anchor lives only as long as the parser.
      return try withExtendedLifetime(parser) { () throws -> ConfigNode? in
        guard let root = try parser.singleRoot() else { return nil }
        var document = YAMLDocument(text: text)
        return try document.convert(root)
      }
    } catch let failure as YAMLFailure {
      throw failure
    } catch let error as YamlError {
      throw YAMLProblem.failure(error, in: text)
    } catch {
      throw YAMLFailure("the file cannot be read as YAML")
    }
  }

  private init(text: YAMLText) { self.text = text }

  private mutating func convert(_ node: Yams.Node) throws(YAMLFailure) -> ConfigNode {
    let mark = node.mark
    let start = text.offset(line: mark?.line ?? 1, column: mark?.column ?? 1)
    let content = try skippingProperties(start)
    var result: ConfigNode
    let anchor: String?
    switch node {
    case .scalar(let scalar):
      if let alias = try alias(scalar, at: content) { return alias }
      result = self.scalar(scalar, at: content)
      anchor = scalar.anchor?.rawValue
    case .sequence(let sequence):
      var items: [ConfigNode] = []
      for item in sequence { items.append(try convert(item)) }
      result = try collection(.list(items), children: items, at: content)
      anchor = sequence.anchor?.rawValue
    case .mapping(let mapping):
      let entries = try entries(mapping)
      result = try collection(.mapping(entries), children: entries.map(\.value), at: content)
      anchor = mapping.anchor?.rawValue
    case .alias:
      // Aliases are scalars in the parser's input.
      throw YAMLFailure("an alias cannot stand here", at: start..<(start + 1))
    }
    if let anchor { anchors[text.original(anchor)] = result }
    return result
  }

  private func collection(
    _ content: ConfigNode.Content, children: [ConfigNode], at start: Int
  ) throws(YAMLFailure) -> ConfigNode {
    // Aliased children lie elsewhere in the file.
    let ends = children.map { Int($0.range.end) }.filter { $0 > start }
    let range = SourceRange(start: start, end: ends.max() ?? start + 1)
    var node = ConfigNode(content: content, range: range)
    node.valueCount = children.reduce(1) { $0 + $1.valueCount }
    node.depth = 1 + (children.map(\.depth).max() ?? 0)
    guard node.depth <= ConfigLimits.depthMax else {
      throw YAMLFailure(
        "values are nested deeper than \(ConfigLimits.depthMax) levels", at: start..<(start + 1))
    }
    guard node.valueCount <= ConfigLimits.valuesMax else {
      throw YAMLFailure(
        "the file expands to more than \(ConfigLimits.valuesMax) values", at: start..<(start + 1),
        hint: "aliases of aliases multiply; write the values once")
    }
    return node
  }

  private mutating func entries(_ mapping: Yams.Node.Mapping) throws(YAMLFailure) -> [ConfigNode.Entry] {
    var entries: [ConfigNode.Entry] = []
    var merged: [ConfigNode.Entry] = []
    for (keyNode, valueNode) in mapping {
      let key = try convert(keyNode)
      guard let name = key.text else {
        throw YAMLFailure("a key must be text", at: Int(key.range.start)..<Int(key.range.end))
      }
      let value = try convert(valueNode)
      if case .scalar("<<", isPlain: true) = key.content {
        merged += try mergeEntries(value, at: key.range)
      } else {
        entries.append(ConfigNode.Entry(key: Located(name, at: key.range), value: value))
      }
    }
    // A mapping's own keys win over merged ones, and earlier merged ones over later.
    var names = Set(entries.map(\.key.value))
    for entry in merged where names.insert(entry.key.value).inserted { entries.append(entry) }
    return entries
  }

  private func mergeEntries(
    _ value: ConfigNode, at range: SourceRange
  ) throws(YAMLFailure) -> [ConfigNode.Entry] {
    switch value.content {
    case .mapping(let entries): return entries
    case .list(let items):
      var entries: [ConfigNode.Entry] = []
      for item in items { entries += try mergeEntries(item, at: range) }
      return entries
    case .scalar:
      throw YAMLFailure("'<<' merges a mapping: write '<<: *NAME'", at: Int(range.start)..<Int(range.end))
    }
  }

  /// The anchored node when the scalar is an alias.
  private func alias(_ scalar: Yams.Node.Scalar, at start: Int) throws(YAMLFailure) -> ConfigNode? {
    guard scalar.style == .plain, scalar.string.unicodeScalars.first == text.aliasMark else { return nil }
    let name = String(text.original(scalar.string).dropFirst())
    let range = start..<(start + 1 + name.utf8.count)
    guard !name.isEmpty, name.utf8.allSatisfy({ Patterns.isWord($0) || $0 == 0x2D }) else {
      throw YAMLFailure(
        "'*' begins an alias, and '\(name)' is no alias's name", at: start..<(start + 1),
        hint: "put text that begins with '*' in quotes")
    }
    guard let node = anchors[name] else {
      throw YAMLFailure(
        "no anchor '&\(name)' comes before this alias", at: range,
        hint: NearestName.hint(name, in: anchors.keys))
    }
    return node
  }

  private func scalar(_ scalar: Yams.Node.Scalar, at start: Int) -> ConfigNode {
    let string = text.original(scalar.string)
    let utf8 = Array(string.utf8)
    let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
    let textStart = isQuoted ? start + 1 : start
    let isVerbatim = text.bytes.dropFirst(textStart).starts(with: utf8)
    let end: Int
    if isVerbatim && !isQuoted {
      end = textStart + utf8.count
    } else if isQuoted {
      end = quoteEnd(start)
    } else {
      end = lineEnd(start)
    }
    var node = ConfigNode(
      content: .scalar(string, isPlain: scalar.style == .plain), range: SourceRange(start: start, end: end))
    node.textStart = isVerbatim ? textStart : nil
    return node
  }

  /// The offset after the quote that closes the scalar at `start`.
  private func quoteEnd(_ start: Int) -> Int {
    guard start < text.bytes.count else { return start }
    let quote = text.bytes[start]
    var offset = start + 1
    while offset < text.bytes.count {
      let byte = text.bytes[offset]
      offset += 1
      if byte == 0x5C, quote == 0x22 {
        offset += 1
      } else if byte == quote {
        guard quote == 0x27, offset < text.bytes.count, text.bytes[offset] == quote else { return offset }
        offset += 1
      }
    }
    return text.bytes.count
  }

  private func lineEnd(_ start: Int) -> Int {
    text.bytes[Swift.min(start, text.bytes.count)...].firstIndex { $0 == 0x0A || $0 == 0x0D }
      ?? text.bytes.count
  }

  /// The offset of a node's content after its `&anchor` and `!tag`, at which its mark stands. Tags choose types
  /// in YAML; here the keys do, so any but `!!str` is refused. (The parser's own tags tell written ones from
  /// resolved ones no more.)
  private func skippingProperties(_ start: Int) throws(YAMLFailure) -> Int {
    var offset = start
    while offset < text.bytes.count, text.bytes[offset] == 0x26 || text.bytes[offset] == 0x21 {
      let end = text.bytes[offset...].firstIndex { Self.isBlank($0) } ?? text.bytes.count
      if text.bytes[offset] == 0x21, !text.bytes[offset..<end].elementsEqual("!!str".utf8) {
        throw YAMLFailure("tags are not used here", at: offset..<end, hint: "remove '!…' before the value")
      }
      offset = text.bytes[end...].firstIndex { !Self.isBlank($0) } ?? text.bytes.count
    }
    return offset
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }
}
