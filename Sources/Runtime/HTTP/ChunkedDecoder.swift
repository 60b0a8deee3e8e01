// The chunked coding: event in, action out. The decoder is shown the bytes that were not decoded yet and
// says how many of them are framing and how many data; its owner moves the data together.
// Strict: sizes are hexadecimal digits and nothing else, lines end in CRLF, extensions and trailers are
// bounded and ignored; the sum of the sizes never exceeds the limit.

/// What comes next in a chunked body.
package enum ChunkStep: Equatable {
  /// More bytes are needed; those shown (framing that was skipped left out) are to be shown again.
  case needsMore(skipped: Int)
  /// Behind `skipped` bytes of framing stand `count` bytes of data, at least one.
  case data(skipped: Int, count: Int)
  /// The body has ended, `skipped` bytes further on.
  case complete(skipped: Int)
  case refused(Refusal)
}

/// Decodes one chunked body.
package struct ChunkedDecoder: Equatable, Sendable, BitwiseCopyable {
  private enum Stage: UInt8 {
    case size, data, dataEnd, trailers
  }

  private var stage = Stage.size
  private var chunkBytes = 0
  private var extensionBytes: UInt32 = 0
  private var trailerBytes: UInt32 = 0
  /// The sizes of all chunks so far.
  package private(set) var bodyBytes = 0

  package init() {}

  /// Looks at the bytes from an offset on.
  package mutating func next(
    _ bytes: RawSpan, from start: Int, _ options: borrowing HTTPOptions
  ) -> ChunkStep {
    var offset = start
    let end = bytes.byteCount
    while true {
      switch stage {
      case .size:
        switch parseSize(bytes, from: offset, options) {
        case .incomplete: return .needsMore(skipped: offset &- start)
        case .refused(let refusal): return .refused(refusal)
        case .parsed(let next): offset = next
        }
      case .data:
        guard offset < end else { return .needsMore(skipped: offset &- start) }
        let count = min(chunkBytes, end &- offset)
        chunkBytes &-= count
        if chunkBytes == 0 { stage = .dataEnd }
        return .data(skipped: offset &- start, count: count)
      case .dataEnd:
        guard offset < end else { return .needsMore(skipped: offset &- start) }
        guard bytes.byte(offset) == 0x0D else { return .refused(.malformedChunk) }
        guard offset &+ 1 < end else { return .needsMore(skipped: offset &- start) }
        guard bytes.byte(offset &+ 1) == 0x0A else { return .refused(.malformedChunk) }
        offset &+= 2
        stage = .size
      case .trailers:
        switch parseTrailer(bytes, from: offset, options) {
        case .incomplete: return .needsMore(skipped: offset &- start)
        case .refused(let refusal): return .refused(refusal)
        case .parsed(let next):
          if next == offset &+ 2 { return .complete(skipped: next &- start) }
          offset = next
        }
      }
    }
  }

  private enum Line {
    case incomplete
    case parsed(next: Int)
    case refused(Refusal)
  }

  /// A chunk's first line: size, extensions, CRLF.
  private mutating func parseSize(
    _ bytes: RawSpan, from start: Int, _ options: borrowing HTTPOptions
  ) -> Line {
    let end = bytes.byteCount
    var size = 0
    var offset = start
    while offset < end, let digit = Self.hexadecimal(bytes.byte(offset)) {
      // Sixteen digits hold every size; more are an attempt at something. Beyond the limit it stays.
      guard offset &- start < 16 else { return .refused(.malformedChunk) }
      size = size > 1 << 48 ? size : size &* 16 &+ digit
      offset &+= 1
    }
    guard offset < end else { return .incomplete }
    guard offset > start else { return .refused(.malformedChunk) }
    let digitsEnd = offset
    if bytes.byte(offset) == UInt8(ascii: ";") {
      let allowance = options.chunkExtensionBytesMax &- Int(extensionBytes)
      let limit = min(end, digitsEnd &+ allowance)
      repeat {
        offset = ByteScan.firstBelow(0x20, bytes, from: offset, to: limit)
        guard offset < limit, bytes.byte(offset) == 0x09 else { break }
        offset &+= 1
      } while true
      if offset == limit {
        return limit < digitsEnd &+ allowance ? .incomplete : .refused(.malformedChunk)
      }
    }
    guard bytes.byte(offset) == 0x0D else { return .refused(.malformedChunk) }
    guard offset &+ 1 < end else { return .incomplete }
    guard bytes.byte(offset &+ 1) == 0x0A else { return .refused(.malformedChunk) }
    extensionBytes &+= UInt32(offset &- digitsEnd)
    guard size <= options.bodyBytesMax &- bodyBytes else { return .refused(.bodyTooLarge) }
    bodyBytes &+= size
    chunkBytes = size
    stage = size == 0 ? .trailers : .data
    return .parsed(next: offset &+ 2)
  }

  /// A trailer line, or the empty line that ends the body.
  private mutating func parseTrailer(
    _ bytes: RawSpan, from start: Int, _ options: borrowing HTTPOptions
  ) -> Line {
    let allowance = options.trailerBytesMax &- Int(trailerBytes)
    // The empty line is not among the bytes that are limited.
    let limit = start &+ allowance &+ 2
    let end = min(bytes.byteCount, limit)
    var offset = ByteScan.tokenEnd(bytes, from: start, to: end)
    if offset < end {
      let isEmpty = offset == start && bytes.byte(offset) == 0x0D
      guard isEmpty || (offset > start && bytes.byte(offset) == UInt8(ascii: ":")) else {
        return .refused(.malformedHeader)
      }
      while true {
        offset = ByteScan.firstBelow(0x20, bytes, from: offset, to: end)
        guard offset < end, bytes.byte(offset) == 0x09 else { break }
        offset &+= 1
      }
      if offset < end, bytes.byte(offset) != 0x0D { return .refused(.malformedHeader) }
      if offset &+ 1 < end {
        guard bytes.byte(offset &+ 1) == 0x0A else { return .refused(.malformedHeader) }
        guard isEmpty || offset &+ 2 &- start <= allowance else { return .refused(.headersTooLarge) }
        trailerBytes &+= isEmpty ? 0 : UInt32(offset &+ 2 &- start)
        return .parsed(next: offset &+ 2)
      }
    }
    return bytes.byteCount < limit ? .incomplete : .refused(.headersTooLarge)
  }

  @inline(__always)
  private static func hexadecimal(_ byte: UInt8) -> Int? {
    if byte &- 48 < 10 { return Int(byte &- 48) }
    let letter = (byte | 0x20) &- UInt8(ascii: "a")
    return letter < 6 ? Int(letter) + 10 : nil
  }
}
