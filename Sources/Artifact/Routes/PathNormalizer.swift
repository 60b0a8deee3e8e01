// Brings a request's path into the form that the matcher walks: percent escapes decoded, `//` collapsed, dot
// segments resolved. Decoding never lengthens, so it is done in place.
//
// A `/` that comes out of `%2F` belongs to its segment. It is stored as the byte 0, which no path can hold
// otherwise (a decoded NUL is refused, a raw one never passes the HTTP codec), so the matcher does not split
// there and no literal text equals it.

/// In-place normalisation of request paths.
package enum PathNormalizer {
  /// What a decoded `/` inside a segment is stored as.
  package static let slashStandIn: UInt8 = 0

  private static let slash = UInt8(ascii: "/")
  private static let dot = UInt8(ascii: ".")

  /// Whether a path holds an escape, `//`, a segment that begins with a dot, or a NUL, or does not begin with
  /// `/`. Where this is false the path is in normal form already.
  package static func needsNormalization(_ path: Span<UInt8>) -> Bool {
    path.withUnsafeBytes { bytes in PathWords.with(bytes) { $0.hasSpecial } ?? true }
  }

  /// Normalises a path that begins with `/` and returns its new length; what follows it in `path` is garbage.
  /// Returns nil for an invalid escape, a NUL, raw or decoded, or a path that does not begin with `/`.
  package static func normalize(_ path: inout MutableSpan<UInt8>) -> Int? {
    guard path.count > 0, path[0] == slash else { return nil }
    // Invariant: path[..<write] is normal, ends with a slash when a segment begins, and write <= read.
    var read = 1
    var write = 1
    while read < path.count {
      let start = write
      while read < path.count, path[read] != slash {
        guard let (byte, length) = decode(path, at: read) else { return nil }
        path[write] = byte
        write += 1
        read += length
      }
      // Past the slash; at the end of the path there is none.
      let endsWithSlash = read < path.count
      read += 1
      switch write - start {
      case 0: continue
      case 1 where path[start] == dot:
        write = start
        continue
      case 2 where path[start] == dot && path[start + 1] == dot:
        write = parent(of: start, in: path)
        continue
      default: break
      }
      if endsWithSlash {
        path[write] = slash
        write += 1
      }
    }
    return write
  }

  /// One decoded byte and how many it took.
  private static func decode(_ path: borrowing MutableSpan<UInt8>, at index: Int) -> (UInt8, Int)? {
    let byte = path[index]
    guard byte == UInt8(ascii: "%") else { return byte == 0 ? nil : (byte, 1) }
    guard index + 2 < path.count, let high = digit(path[index + 1]), let low = digit(path[index + 2])
    else { return nil }
    let decoded = high << 4 | low
    if decoded == 0 { return nil }
    return (decoded == slash ? slashStandIn : decoded, 3)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// Where the segment before the one at `start` begins; the root is its own parent.
  private static func parent(of start: Int, in path: borrowing MutableSpan<UInt8>) -> Int {
    var index = start
    guard index > 1 else { return 1 }
    index -= 1
    while path[index - 1] != slash { index -= 1 }
    return index
  }
}
