// The section `strings`: every text once, in byte order, a zero byte after each. The zero is for C callers;
// a text's length is in its reference.
//
// Texts are kept as bytes: Swift's strings are equal when they look the same, and here bytes decide.

/// Collects texts, then lays them out.
struct StringPool {
  private var texts: Set<[UInt8]> = []
  private var offsets: [[UInt8]: UInt32] = [:]
  private(set) var bytes: [UInt8] = []

  /// Adds texts; only before `layOut`.
  mutating func insert(_ others: some Sequence<String>) throws(ArtifactError) {
    for text in others {
      guard text.utf8.count <= Limits.stringBytesMax else {
        throw .invalidContents("a text has more than \(Limits.stringBytesMax) bytes: '\(text.prefix(40))'")
      }
      texts.insert(Array(text.utf8))
    }
  }

  mutating func layOut() throws(ArtifactError) {
    for text in texts.sorted(by: Array.precedes) {
      guard bytes.count + text.count < Limits.artifactBytesMax else {
        throw .invalidContents("all texts together have more than \(Limits.artifactBytesMax) bytes")
      }
      offsets[text] = UInt32(bytes.count)
      bytes.append(contentsOf: text)
      bytes.append(0)
    }
  }

  /// The reference to a text that was inserted; traps for another one.
  func reference(_ text: String) -> (offset: UInt32, length: UInt32) {
    guard let offset = offsets[Array(text.utf8)] else { preconditionFailure("text not in the pool") }
    return (offset, UInt32(text.utf8.count))
  }
}
