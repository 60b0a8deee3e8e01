/// A JSON value, for comparing. Objects are equal whatever the order of their members; of members with equal names the
/// last one counts.
package enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  /// UTF-8.
  case string([UInt8])
  case array([JSONValue])
  case object([[UInt8]: JSONValue])

  /// Levels of one that is read; reading recurses.
  static let depthMax = 32

  /// Nil for what is no JSON, or nested too deeply.
  package init?(_ bytes: [UInt8]) {
    guard JSONScanner.isValid(bytes, depthMax: Self.depthMax) else { return nil }
    var scanner = JSONScanner(bytes)
    self.init(&scanner)
  }

  /// Reads the next value of a scanner; nested not deeper than `depthMax`.
  private init?(_ scanner: inout JSONScanner) {
    switch scanner.peek() {
    case UInt8(ascii: "{"):
      var members: [[UInt8]: JSONValue] = [:]
      _ = scanner.take(UInt8(ascii: "{"))
      if !scanner.take(UInt8(ascii: "}")) {
        repeat {
          guard scanner.peek() != nil, let name = scanner.skipString(), scanner.take(UInt8(ascii: ":")),
            let value = JSONValue(&scanner)
          else { return nil }
          members[scanner.text(name)] = value
        } while scanner.take(UInt8(ascii: ","))
        guard scanner.take(UInt8(ascii: "}")) else { return nil }
      }
      self = .object(members)
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      _ = scanner.take(UInt8(ascii: "["))
      if !scanner.take(UInt8(ascii: "]")) {
        repeat {
          guard let value = JSONValue(&scanner) else { return nil }
          elements.append(value)
        } while scanner.take(UInt8(ascii: ","))
        guard scanner.take(UInt8(ascii: "]")) else { return nil }
      }
      self = .array(elements)
    case UInt8(ascii: "\""):
      guard let string = scanner.skipString() else { return nil }
      self = .string(scanner.text(string))
    case UInt8(ascii: "t"), UInt8(ascii: "f"):
      self = .bool(scanner.peek() == UInt8(ascii: "t"))
      guard scanner.skipValue() else { return nil }
    case UInt8(ascii: "n"):
      self = .null
      guard scanner.skipValue() else { return nil }
    default:
      guard let range = scanner.skipNumber() else { return nil }
      self = .number(JSONNumber(scanner.bytes[range]))
    }
  }
}

/// A number, equal to another one when both mean the same number, as in Lua: 1 is 1.0.
package enum JSONNumber: Equatable, Sendable {
  case integer(Int64)
  case double(Double)

  /// - Parameter text: A JSON number.
  init(_ text: ArraySlice<UInt8>) {
    let text = String(decoding: text, as: UTF8.self)
    if let integer = Int64(text) {
      self = .integer(integer)
      return
    }
    let double = Double(text) ?? .infinity
    if let integer = Int64(exactly: double) { self = .integer(integer) } else { self = .double(double) }
  }
}
