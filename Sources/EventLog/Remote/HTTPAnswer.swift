// Reads one HTTP/1.1 answer as Spacer's server sends it: a status line, header lines, a body of a told length. A value
// that is fed bytes; anything else than such an answer is refused.

/// One answer, as far as it has come.
struct HTTPAnswer {
  /// Of the status line and the header lines.
  static let headBytesMax = 64 << 10
  static let bodyBytesMax = 64 << 20

  /// Why bytes are no answer.
  struct Malformed: Error, Equatable {
    var reason: String
  }

  private var bytes: [UInt8] = []
  /// Where the body begins, once the head is there.
  private var bodyStart: Int?
  private var bodyCount = 0
  private(set) var status = 0

  /// The body, once all of it is there.
  var body: [UInt8]? {
    guard let bodyStart, bytes.count >= bodyStart + bodyCount else { return nil }
    return Array(bytes[bodyStart..<bodyStart + bodyCount])
  }

  mutating func feed(_ more: ArraySlice<UInt8>) throws(Malformed) {
    let searchStart = max(0, bytes.count - 3)
    bytes.append(contentsOf: more)
    guard bodyStart == nil else { return }
    guard let end = Self.headEnd(bytes, from: searchStart) else {
      guard bytes.count <= Self.headBytesMax else { throw Malformed(reason: "its head has no end") }
      return
    }
    try readHead(String(decoding: bytes[..<end], as: UTF8.self))
    bodyStart = end + 4
    bytes.reserveCapacity(end + 4 + bodyCount)
  }

  private static func headEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    var place = start
    while place + 4 <= bytes.count {
      if bytes[place] == 13, bytes[place + 1] == 10, bytes[place + 2] == 13, bytes[place + 3] == 10 {
        return place
      }
      place += 1
    }
    return nil
  }

  private mutating func readHead(_ text: String) throws(Malformed) {
    // A pair of CR and LF is one character.
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0] == "HTTP/1.1" || words[0] == "HTTP/1.0", let status = Int(words[1]),
      (200...599).contains(status)
    else { throw Malformed(reason: "it is no HTTP") }
    self.status = status
    var length: Int?
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { throw Malformed(reason: "it is no HTTP") }
      let name = line[..<colon].lowercased()
      if name == "transfer-encoding" { throw Malformed(reason: "its body has no length") }
      guard name == "content-length" else { continue }
      let value = line[line.index(after: colon)...].filter { $0 != " " && $0 != "\t" }
      guard length == nil, let count = Int(value), (0...Self.bodyBytesMax).contains(count) else {
        throw Malformed(reason: "its length is none")
      }
      length = count
    }
    guard let length else { throw Malformed(reason: "its body has no length") }
    bodyCount = length
  }
}
