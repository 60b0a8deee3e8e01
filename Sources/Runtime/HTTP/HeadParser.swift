// The head of a request, from bytes to offsets, in one pass. Strict where two readers could disagree:
// lines end in CRLF and nothing else, names are tokens followed by the colon, there is no folding, no
// control character, one Host, one framing.
//
// The parser may be asked again with more bytes of the same message. It goes on at the first line that
// was not complete, and its verdict does not depend on where the bytes were split: each limit is a
// number of bytes behind which the parser does not look, whether they are there or not.

import SpacerArtifact

/// What parsing came to.
package enum HeadStep: Equatable {
  case incomplete
  case complete
  case refused(Refusal)
}

/// Parses one head; `head` is whole once `parse` has returned `complete`.
package struct HeadParser: Sendable {
  package private(set) var head = RequestHead()
  /// The offset of the first line that was not complete yet.
  private var position: UInt32 = 0
  private var isInFields = false

  static let methodBytesMax = 32
  private static let carriageReturn = UInt8(ascii: "\r")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let lineEnd: UInt16 = 0x0A0D

  package init() {}

  /// Parses what is there; `bytes` begins at the message's first byte.
  package mutating func parse(_ bytes: RawSpan, _ options: borrowing HTTPOptions) -> HeadStep {
    if !isInFields {
      let step = parseRequestLine(bytes, options)
      guard step == .complete else { return step }
      isInFields = true
    }
    return parseFields(bytes, options)
  }

  // MARK: Request line

  private mutating func parseRequestLine(
    _ bytes: RawSpan, _ options: borrowing HTTPOptions
  ) -> HeadStep {
    // An empty line, the version and the method's room beside the target.
    let limit = min(bytes.byteCount, options.uriBytesMax &+ Self.methodBytesMax &+ 16)
    var offset = 0
    // One empty line before a request is ignored, as RFC 9112 asks: clients of old end a body so.
    if limit > 0, bytes.byte(0) == Self.carriageReturn {
      guard limit > 1 else { return .incomplete }
      guard bytes.byte(1) == Self.lineFeed else { return .refused(.malformedRequestLine) }
      offset = 2
    }
    let methodEnd = parseMethod(bytes, from: offset, to: limit)
    guard methodEnd &- offset <= Self.methodBytesMax else { return .refused(.malformedRequestLine) }
    guard methodEnd < limit else { return shortLine(bytes, options) }
    guard methodEnd > offset, bytes.byte(methodEnd) == 0x20 else { return .refused(.malformedRequestLine) }
    head.methodName = ByteRange(offset, methodEnd)

    let target = methodEnd &+ 1
    let targetEnd = ByteScan.firstBelow(0x21, bytes, from: target, to: limit)
    guard targetEnd &- target <= options.uriBytesMax else { return .refused(.uriTooLong) }
    guard targetEnd < limit else { return shortLine(bytes, options) }
    guard targetEnd > target, bytes.byte(targetEnd) == 0x20 else {
      return .refused(.malformedRequestLine)
    }

    let version = targetEnd &+ 1
    if version &+ 10 <= bytes.byteCount, bytes.word(version) == 0x312E_312F_5054_5448,
      bytes.pair(version &+ 8) == Self.lineEnd
    {
      head.minorVersion = 1
    } else {
      let step = parseVersion(bytes, from: version)
      guard step == .complete else { return step }
    }
    position = UInt32(truncatingIfNeeded: version &+ 10)
    head.fields.start = position
    return TargetParser.parse(&head, bytes, from: target, to: targetEnd)
  }

  /// A line whose end is not there: it may come, unless it is too long already.
  private func shortLine(_ bytes: RawSpan, _ options: borrowing HTTPOptions) -> HeadStep {
    bytes.byteCount < options.uriBytesMax &+ Self.methodBytesMax &+ 16
      ? .incomplete : .refused(.uriTooLong)
  }

  /// Sets the method and returns where its token ends.
  private mutating func parseMethod(_ bytes: RawSpan, from start: Int, to limit: Int) -> Int {
    if start &+ 8 <= limit {
      let word = bytes.word(start)
      switch UInt32(truncatingIfNeeded: word) {
      case 0x2054_4547:
        head.method = .get
        return start &+ 3
      case 0x2054_5550:
        head.method = .put
        return start &+ 3
      case 0x5453_4F50 where word >> 32 & 0xFF == 0x20:
        head.method = .post
        return start &+ 4
      case 0x4441_4548 where word >> 32 & 0xFF == 0x20:
        head.method = .head
        return start &+ 4
      case 0x4354_4150 where word >> 32 & 0xFFFF == 0x2048:
        head.method = .patch
        return start &+ 5
      case 0x454C_4544 where word >> 32 & 0xFF_FFFF == 0x20_4554:
        head.method = .delete
        return start &+ 6
      case 0x4954_504F where word >> 32 & 0xFFFF_FFFF == 0x2053_4E4F:
        head.method = .options
        return start &+ 7
      default: break
      }
    }
    head.method = .other
    return ByteScan.tokenEnd(bytes, from: start, to: limit)
  }

  /// The version of a line that is not plain HTTP/1.1, with the line's end: ten bytes.
  private mutating func parseVersion(_ bytes: RawSpan, from start: Int) -> HeadStep {
    let pattern: StaticString = "HTTP/d.d\r\n"
    for index in 0..<10 {
      guard start &+ index < bytes.byteCount else { return .incomplete }
      let byte = bytes.byte(start &+ index)
      let expected = pattern.utf8Start[index]
      let fits = expected == UInt8(ascii: "d") ? byte &- 48 < 10 : byte == expected
      guard fits else { return .refused(.malformedRequestLine) }
    }
    guard bytes.byte(start &+ 5) == UInt8(ascii: "1") else { return .refused(.unsupportedVersion) }
    // A later minor version promises to be understood as the highest one known.
    head.minorVersion = min(1, bytes.byte(start &+ 7) &- 48)
    return .complete
  }

  // MARK: Header lines

  private mutating func parseFields(_ bytes: RawSpan, _ options: borrowing HTTPOptions) -> HeadStep {
    // The empty line is not among the bytes that are limited.
    let limit = Int(head.fields.start) &+ options.headerBytesMax
    let end = min(bytes.byteCount, limit &+ 2)
    var offset = Int(position)
    while true {
      let name = offset
      guard name < end else { break }
      if bytes.byte(name) == Self.carriageReturn {
        guard name &+ 1 < end else { break }
        guard bytes.byte(name &+ 1) == Self.lineFeed else { return .refused(.malformedHeader) }
        head.fields.count = UInt32(truncatingIfNeeded: name) &- head.fields.start
        head.byteCount = UInt32(truncatingIfNeeded: name &+ 2)
        return finish()
      }
      let nameEnd = ByteScan.tokenEnd(bytes, from: name, to: end)
      guard nameEnd < end else { break }
      guard nameEnd > name, bytes.byte(nameEnd) == UInt8(ascii: ":") else {
        return .refused(.malformedHeader)
      }
      var value = nameEnd &+ 1
      while value < end, Self.isBlank(bytes.byte(value)) { value &+= 1 }
      offset = value
      repeat {
        offset = ByteScan.firstBelow(0x20, bytes, from: offset, to: end)
        guard offset < end, bytes.byte(offset) == UInt8(ascii: "\t") else { break }
        offset &+= 1
      } while true
      guard offset &+ 1 < end else {
        guard offset == end || bytes.byte(offset) == Self.carriageReturn else {
          return .refused(.malformedHeader)
        }
        break
      }
      guard bytes.pair(offset) == Self.lineEnd else { return .refused(.malformedHeader) }
      guard offset &+ 2 <= limit, head.fieldCount < UInt16(clamping: options.headerCountMax) else {
        return .refused(.headersTooLarge)
      }
      var valueEnd = offset
      while valueEnd > value, Self.isBlank(bytes.byte(valueEnd &- 1)) { valueEnd &-= 1 }
      if let refusal = HeaderFields.collect(
        &head, bytes, ByteRange(name, nameEnd), ByteRange(value, valueEnd))
      {
        return .refused(refusal)
      }
      head.fieldCount &+= 1
      offset &+= 2
      position = UInt32(truncatingIfNeeded: offset)
    }
    return bytes.byteCount < limit &+ 2 ? .incomplete : .refused(.headersTooLarge)
  }

  @inline(__always)
  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// What only the whole head can tell.
  private func finish() -> HeadStep {
    let flags = head.flags
    if head.minorVersion == 1, !flags.contains(.host) { return .refused(.missingHost) }
    if flags.contains(.chunked) {
      // HTTP/1.0 has no chunks: such a message ends where the other side does not think it does.
      if head.minorVersion == 0 { return .refused(.unsupportedTransferEncoding) }
      if flags.contains(.contentLength) { return .refused(.conflictingFraming) }
    }
    return .complete
  }
}
