/// The members of a JSON object, by name; where a name stands twice, the last one counts. Values are bytes until asked
/// for.
package struct JSONObject {
  private let members: [[UInt8]: Range<Int>]
  private let bytes: [UInt8]

  /// Nil for what is no JSON object.
  package init?(_ bytes: [UInt8]) {
    var scanner = JSONScanner(bytes)
    var members: [[UInt8]: Range<Int>] = [:]
    guard scanner.take(UInt8(ascii: "{")) else { return nil }
    if !scanner.take(UInt8(ascii: "}")) {
      repeat {
        guard scanner.peek() == UInt8(ascii: "\""), let name = scanner.skipString(),
          scanner.take(UInt8(ascii: ":")), scanner.peek() != nil
        else { return nil }
        let start = scanner.place
        guard scanner.skipValue() else { return nil }
        members[scanner.text(name)] = start..<scanner.place
      } while scanner.take(UInt8(ascii: ","))
      guard scanner.take(UInt8(ascii: "}")) else { return nil }
    }
    guard scanner.isAtEnd() else { return nil }
    self.members = members
    self.bytes = bytes
  }

  package var memberCount: Int { members.count }

  /// A member's JSON.
  package func raw(_ name: String) -> [UInt8]? { members[Array(name.utf8)].map { Array(bytes[$0]) } }

  package func object(_ name: String) -> JSONObject? { raw(name).flatMap(JSONObject.init) }

  package func string(_ name: String) -> String? {
    guard let range = members[Array(name.utf8)] else { return nil }
    var scanner = JSONScanner(bytes, from: range.lowerBound)
    return scanner.skipString().map { String(decoding: scanner.text($0), as: UTF8.self) }
  }

  /// A whole number that is written without fraction and exponent.
  package func integer(_ name: String) -> Int64? {
    guard let range = members[Array(name.utf8)] else { return nil }
    return Int64(String(decoding: bytes[range], as: UTF8.self))
  }
}
