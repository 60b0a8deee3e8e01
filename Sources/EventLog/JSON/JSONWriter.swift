/// Writes JSON, member by member. Who calls it sees to it that what is begun is ended.
package struct JSONWriter {
  package private(set) var bytes: [UInt8] = []
  /// A comma is due before the next member.
  private var hasMembers = false

  package init() {}

  package mutating func beginObject() {
    bytes.append(UInt8(ascii: "{"))
    hasMembers = false
  }

  package mutating func endObject() {
    bytes.append(UInt8(ascii: "}"))
    hasMembers = true
  }

  package mutating func beginArray() {
    bytes.append(UInt8(ascii: "["))
    hasMembers = false
  }

  package mutating func endArray() {
    bytes.append(UInt8(ascii: "]"))
    hasMembers = true
  }

  /// An element of an array is to follow.
  package mutating func element() {
    if hasMembers { bytes.append(UInt8(ascii: ",")) }
    hasMembers = true
  }

  /// A member's name; its value is to follow.
  package mutating func key(_ name: String) {
    if hasMembers { bytes.append(UInt8(ascii: ",")) }
    string(name)
    bytes.append(UInt8(ascii: ":"))
    hasMembers = true
  }

  package mutating func member(_ name: String, _ value: String) {
    key(name)
    string(value)
  }

  package mutating func member(_ name: String, _ value: Int64) {
    key(name)
    bytes.append(contentsOf: String(value).utf8)
  }

  package mutating func member(_ name: String, _ value: Bool) {
    key(name)
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  /// A value that is JSON already.
  package mutating func raw(_ json: [UInt8]) { bytes.append(contentsOf: json) }

  /// A string, with what JSON wants escaped.
  package mutating func string(_ text: String) {
    let digits = Array("0123456789abcdef".utf8)
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case UInt8(ascii: "\n"): bytes.append(contentsOf: Array("\\n".utf8))
      case UInt8(ascii: "\r"): bytes.append(contentsOf: Array("\\r".utf8))
      case UInt8(ascii: "\t"): bytes.append(contentsOf: Array("\\t".utf8))
      case 0..<0x20, 0x7F:
        bytes.append(contentsOf: Array("\\u00".utf8))
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
