// The headers that decide about a message's framing and the connection, and those that every request's
// handling asks for, recognised as they pass. A name is compared in words with the letters' case bit set;
// among token characters this is exact, since no letter or hyphen meets another token character so.

enum HeaderFields {
  /// Looks at one header line; returns why it refuses the message, if it does.
  @inline(__always)
  static func collect(
    _ head: inout RequestHead, _ bytes: RawSpan, _ name: ByteRange, _ value: ByteRange
  ) -> Refusal? {
    let start = Int(name.start)
    switch name.count {
    case 4:
      guard bytes.halfWord(start) | 0x2020_2020 == 0x7473_6F68 else { return nil }  // host
      return collectHost(&head, bytes, value)
    case 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 23:
      return collectLong(&head, bytes, name, value)
    default: return nil
    }
  }

  private static func collectHost(
    _ head: inout RequestHead, _ bytes: RawSpan, _ value: ByteRange
  ) -> Refusal? {
    guard !head.flags.contains(.host) else { return .severalHosts }
    head.flags.insert(.host)
    guard isHost(bytes, from: Int(value.start), to: value.end) else { return .malformedHost }
    if !head.flags.contains(.absolute) { head.host = value }
    return nil
  }

  private static func collectLong(
    _ head: inout RequestHead, _ bytes: RawSpan, _ name: ByteRange, _ value: ByteRange
  ) -> Refusal? {
    switch name.count {
    case 6 where isName(bytes, name, "expect"): return collectExpect(&head, bytes, value)
    case 9 where isName(bytes, name, "forwarded"): head.flags.insert(.forwarded)
    case 10 where isName(bytes, name, "connection"): collectConnection(&head, bytes, value)
    case 11 where isName(bytes, name, "traceparent"): keepFirst(&head.traceParent, value)
    case 12 where isName(bytes, name, "content-type"): keepFirst(&head.contentType, value)
    case 14 where isName(bytes, name, "content-length"): return collectLength(&head, bytes, value)
    case 15 where isName(bytes, name, "x-forwarded-for"): head.flags.insert(.forwarded)
    case 16 where isName(bytes, name, "x-spacer-span-id"): keepFirst(&head.spacerSpanID, value)
    case 17 where isName(bytes, name, "x-spacer-trace-id"): keepFirst(&head.spacerTraceID, value)
    case 17 where isName(bytes, name, "transfer-encoding"): return collectCoding(&head, bytes, value)
    case 23 where isName(bytes, name, "x-spacer-parent-span-id"):
      keepFirst(&head.spacerParentSpanID, value)
    default: break
    }
    return nil
  }

  private static func keepFirst(_ range: inout ByteRange, _ value: ByteRange) {
    if range.isEmpty { range = value }
  }

  /// Compares a range, whose length is the name's, without regard to case.
  @inline(__always)
  static func isName(_ bytes: RawSpan, _ range: ByteRange, _ name: StaticString) -> Bool {
    let start = Int(range.start)
    var offset = 0
    while offset &+ 8 <= name.utf8CodeUnitCount {
      let expected = UnsafeRawPointer(name.utf8Start).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      if bytes.word(start &+ offset) | 0x2020_2020_2020_2020 != UInt64(littleEndian: expected) {
        return false
      }
      offset &+= 8
    }
    while offset < name.utf8CodeUnitCount {
      if bytes.byte(start &+ offset) | 0x20 != name.utf8Start[offset] { return false }
      offset &+= 1
    }
    return true
  }

  /// A whole value, without regard to case; `text` is lower case, of letters, digits and hyphens.
  private static func isValue(_ bytes: RawSpan, _ value: ByteRange, _ text: StaticString) -> Bool {
    guard Int(value.count) == text.utf8CodeUnitCount else { return false }
    for offset in 0..<text.utf8CodeUnitCount {
      let byte = bytes.byte(Int(value.start) + offset)
      let folded = byte &- 65 < 26 ? byte | 0x20 : byte
      if folded != text.utf8Start[offset] { return false }
    }
    return true
  }

  // MARK: Values

  private static func collectLength(
    _ head: inout RequestHead, _ bytes: RawSpan, _ value: ByteRange
  ) -> Refusal? {
    // Two equal ones are allowed to be refused, and who sends them is up to something.
    guard !head.flags.contains(.contentLength) else { return .severalContentLengths }
    head.flags.insert(.contentLength)
    guard !value.isEmpty else { return .malformedContentLength }
    var length = 0
    for offset in Int(value.start)..<value.end {
      let digit = bytes.byte(offset) &- 48
      guard digit < 10 else { return .malformedContentLength }
      // A number beyond every limit stays there.
      length = length > 1 << 48 ? length : length &* 10 &+ Int(digit)
    }
    head.contentLength = length
    return nil
  }

  private static func collectCoding(
    _ head: inout RequestHead, _ bytes: RawSpan, _ value: ByteRange
  ) -> Refusal? {
    guard !head.flags.contains(.chunked), isValue(bytes, value, "chunked") else {
      return .unsupportedTransferEncoding
    }
    head.flags.insert(.chunked)
    return nil
  }

  private static func collectExpect(
    _ head: inout RequestHead, _ bytes: RawSpan, _ value: ByteRange
  ) -> Refusal? {
    // HTTP/1.0 has no expectations: RFC 9110 has them ignored there.
    guard head.minorVersion == 1 else { return nil }
    guard isValue(bytes, value, "100-continue") else { return .unknownExpectation }
    head.flags.insert(.expectsContinue)
    return nil
  }

  private static func collectConnection(
    _ head: inout RequestHead, _ bytes: RawSpan, _ value: ByteRange
  ) {
    var offset = Int(value.start)
    while offset < value.end {
      let itemEnd = ByteScan.first(UInt8(ascii: ","), bytes, from: offset, to: value.end)
      var start = offset
      var end = itemEnd
      while start < end, bytes.byte(start) == 0x20 || bytes.byte(start) == 0x09 { start += 1 }
      while end > start, bytes.byte(end - 1) == 0x20 || bytes.byte(end - 1) == 0x09 { end -= 1 }
      let item = ByteRange(start, end)
      if isValue(bytes, item, "close") { head.flags.insert(.close) }
      if isValue(bytes, item, "keep-alive") { head.flags.insert(.keepAlive) }
      offset = itemEnd + 1
    }
  }

  /// A host with an optional port; nothing at all is allowed too, when the target has no authority.
  static func isHost(_ bytes: RawSpan, from start: Int, to end: Int) -> Bool {
    var offset = start
    if offset < end, bytes.byte(offset) == UInt8(ascii: "[") {
      offset = ByteScan.first(UInt8(ascii: "]"), bytes, from: offset, to: end)
      guard offset < end else { return false }
      for inner in start + 1..<offset {
        let byte = bytes.byte(inner)
        guard ByteScan.isAuthority(byte), byte != UInt8(ascii: "[") else { return false }
      }
      offset += 1
    } else {
      while true {
        offset = ByteScan.plainHostEnd(bytes, from: offset, to: end)
        guard offset < end, bytes.byte(offset) != UInt8(ascii: ":") else { break }
        let byte = bytes.byte(offset)
        guard ByteScan.isAuthority(byte), byte != UInt8(ascii: "["), byte != UInt8(ascii: "]") else {
          return false
        }
        offset += 1
      }
    }
    guard offset < end else { return true }
    guard bytes.byte(offset) == UInt8(ascii: ":"), end - offset <= 6 else { return false }
    for digit in offset + 1..<end where bytes.byte(digit) &- 48 >= 10 { return false }
    return true
  }
}
