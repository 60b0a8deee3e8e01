// One form for equal JSON: members in byte order of their names, no space that means nothing. Lua's tables have no
// order, so that two runs may write the same object in two ways.

/// Rewrites JSON. Texts that are none come back as they are.
package enum CanonicalJSON {
  private indirect enum Node {
    case scalar(ArraySlice<UInt8>)
    case array([Node])
    case object([(key: ArraySlice<UInt8>, value: Node)])
  }

  /// Deeper ones are left as they are: reading recurses.
  private static let depthMax = 1_000

  /// On one line.
  package static func text(_ bytes: some Sequence<UInt8>) -> String {
    let bytes = Array(bytes)
    guard let node = read(bytes) else { return String(decoding: bytes, as: UTF8.self) }
    var out: [UInt8] = []
    write(node, to: &out)
    return String(decoding: out, as: UTF8.self)
  }

  /// A line for each member and element, two spaces a level.
  package static func lines(_ text: String) -> [String] {
    let bytes = Array(text.utf8)
    guard let node = read(bytes) else {
      return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
    var lines: [String] = []
    write(node, indent: "", prefix: "", suffix: "", to: &lines)
    return lines
  }

  // MARK: Writing

  private static func write(_ node: Node, to out: inout [UInt8]) {
    switch node {
    case .scalar(let text): out += text
    case .array(let elements):
      out.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        write(element, to: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let members):
      out.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        out += member.key
        out.append(UInt8(ascii: ":"))
        write(member.value, to: &out)
      }
      out.append(UInt8(ascii: "}"))
    }
  }

  private static func write(
    _ node: Node, indent: String, prefix: String, suffix: String, to lines: inout [String]
  ) {
    func list<Element>(
      _ elements: [Element], _ brackets: (String, String), _ write: (Element, String, inout [String]) -> Void
    ) {
      guard !elements.isEmpty else { return lines.append(indent + prefix + brackets.0 + brackets.1 + suffix) }
      lines.append(indent + prefix + brackets.0)
      for (index, element) in elements.enumerated() {
        write(element, index < elements.count - 1 ? "," : "", &lines)
      }
      lines.append(indent + brackets.1 + suffix)
    }
    switch node {
    case .scalar(let text): lines.append(indent + prefix + String(decoding: text, as: UTF8.self) + suffix)
    case .array(let elements):
      list(elements, ("[", "]")) { element, suffix, lines in
        write(element, indent: indent + "  ", prefix: "", suffix: suffix, to: &lines)
      }
    case .object(let members):
      list(members, ("{", "}")) { member, suffix, lines in
        let prefix = String(decoding: member.key, as: UTF8.self) + ": "
        write(member.value, indent: indent + "  ", prefix: prefix, suffix: suffix, to: &lines)
      }
    }
  }

  // MARK: Reading

  private static func read(_ bytes: [UInt8]) -> Node? {
    var reader = Reader(bytes: bytes)
    guard let node = reader.value(depth: 0) else { return nil }
    reader.skipSpace()
    return reader.place == bytes.count ? node : nil
  }

  private struct Reader {
    let bytes: [UInt8]
    var place = 0

    mutating func skipSpace() {
      while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
      skipSpace()
      guard place < bytes.count, bytes[place] == byte else { return false }
      place += 1
      return true
    }

    mutating func value(depth: Int) -> Node? {
      guard depth <= CanonicalJSON.depthMax else { return nil }
      if take(UInt8(ascii: "{")) { return object(depth) }
      if take(UInt8(ascii: "[")) { return array(depth) }
      if place < bytes.count, bytes[place] == UInt8(ascii: "\"") { return string().map { .scalar($0) } }
      let start = place
      while place < bytes.count, isPlain(bytes[place]) { place += 1 }
      return place > start ? .scalar(bytes[start..<place]) : nil
    }

    /// Of a number or a word.
    private func isPlain(_ byte: UInt8) -> Bool {
      byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == 0x2B || byte == 0x2D || byte == 0x2E
    }

    private mutating func array(_ depth: Int) -> Node? {
      var elements: [Node] = []
      if take(UInt8(ascii: "]")) { return .array([]) }
      repeat {
        guard let element = value(depth: depth + 1) else { return nil }
        elements.append(element)
      } while take(UInt8(ascii: ","))
      return take(UInt8(ascii: "]")) ? .array(elements) : nil
    }

    private mutating func object(_ depth: Int) -> Node? {
      var members: [(key: ArraySlice<UInt8>, value: Node)] = []
      if take(UInt8(ascii: "}")) { return .object([]) }
      repeat {
        skipSpace()
        guard let key = string(), take(UInt8(ascii: ":")), let value = value(depth: depth + 1) else {
          return nil
        }
        members.append((key, value))
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "}")) else { return nil }
      return .object(members.sorted { $0.key.lexicographicallyPrecedes($1.key) })
    }

    /// With its quotes.
    private mutating func string() -> ArraySlice<UInt8>? {
      let start = place
      guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else { return nil }
      place += 1
      while place < bytes.count {
        let byte = bytes[place]
        place += byte == UInt8(ascii: "\\") ? 2 : 1
        if byte == UInt8(ascii: "\"") { return place <= bytes.count ? bytes[start..<place] : nil }
      }
      return nil
    }
  }
}
