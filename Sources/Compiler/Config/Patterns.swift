// The shapes of names and addresses in the configuration, checked by bytes.

/// Predicates on names.
enum Patterns {
  static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// A letter, a digit or an underscore.
  static func isWord(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) || byte == 0x5F }

  /// A letter, then letters, digits and what `others` holds.
  static func isName(_ text: String, others: String) -> Bool {
    guard let first = text.utf8.first, isLetter(first) else { return false }
    return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || others.utf8.contains($0) }
  }

  /// The name of an environment variable.
  static func isVariable(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, !isDigit(first) else { return false }
    return text.utf8.allSatisfy { isWord($0) }
  }

  static func hasControl(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
  }

  /// The port of `host:port`, `:port` or `[IPv6]:port`; nil when the text is none of these.
  static func port(ofAddress text: some StringProtocol) -> Int? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let host = text[..<colon]
    let digits = text[text.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.count <= 5, digits.utf8.allSatisfy({ isDigit($0) }),
      let port = Int(digits), port <= 65535
    else { return nil }
    if host.hasPrefix("[") {
      let inner = host.dropFirst().dropLast()
      guard host.hasSuffix("]"), inner.contains(":") else { return nil }
      // A zone such as %eth0 may follow the address.
      let isAddress = inner.utf8.allSatisfy {
        isWord($0) || $0 == 0x3A || $0 == 0x2E || $0 == 0x25 || $0 == 0x2D
      }
      return isAddress ? port : nil
    }
    guard host.utf8.allSatisfy({ isWord($0) || $0 == 0x2E || $0 == 0x2D }) else { return nil }
    return port
  }

  /// Bytes from `65536`, `64KiB`, `64 MiB` or `1GiB`; nil for anything else.
  static func bytes(_ text: String) -> Int64? {
    var digits = Substring(text)
    var shift = 0
    for (unit, bits) in [("KiB", 10), ("MiB", 20), ("GiB", 30)] where text.hasSuffix(unit) {
      digits = text.dropLast(unit.count)
      while digits.hasSuffix(" ") { digits = digits.dropLast() }
      shift = bits
    }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ isDigit($0) }), let value = Int64(digits) else {
      return nil
    }
    let (result, isTooLarge) = value.multipliedReportingOverflow(by: 1 << shift)
    return isTooLarge ? nil : result
  }
}

/// `${NAME}` and `${NAME:-default}` inside a value, resolved when the application starts.
enum EnvironmentReference {
  static func occurs(in text: String) -> Bool { text.contains("${") }

  /// The first reference that is malformed: its UTF-8 offsets in `text` and what is wrong.
  static func problem(in text: String) -> (range: Range<Int>, message: String)? {
    let bytes = Array(text.utf8)
    var index = 0
    while index + 1 < bytes.count {
      guard bytes[index] == 0x24, bytes[index + 1] == 0x7B else {
        index += 1
        continue
      }
      guard let close = bytes[index...].firstIndex(of: 0x7D) else {
        return (index..<bytes.count, "'${' is never closed by '}'")
      }
      let inner = bytes[(index + 2)..<close]
      let name = inner.prefix { Patterns.isWord($0) }
      let rest = inner.dropFirst(name.count)
      let range = index..<(close + 1)
      guard !name.isEmpty, Patterns.isVariable(String(decoding: name, as: UTF8.self)) else {
        return (range, "'${' must be followed by the name of an environment variable")
      }
      guard rest.isEmpty || rest.starts(with: [0x3A, 0x2D]) else {
        return (range, "a reference is '${NAME}' or '${NAME:-default}'")
      }
      index = close + 1
    }
    return nil
  }
}
