// The header `traceparent` of W3C Trace Context, version 00, as a value: it goes with every append. Unsafe: the text
// is on the stack, written in one go of as many bytes as were taken, and lent for the length of a closure.

/// `00-TRACE-SPAN-FLAGS`.
package struct TraceParent: Equatable, Sendable, BitwiseCopyable {
  package var traceHigh: UInt64
  package var traceLow: UInt64
  package var span: UInt64
  package var flags: UInt8

  /// Of its text, in bytes.
  package static let byteCount = 55

  package init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flags: UInt8 = 1) {
    self.traceHigh = traceHigh
    self.traceLow = traceLow
    self.span = span
    self.flags = flags
  }

  /// Nil for what is none, or of another version, or has no ids.
  package init?(_ text: UnsafeRawBufferPointer) {
    guard text.count == Self.byteCount, text[0] == 0x30, text[1] == 0x30, text[2] == 0x2D, text[35] == 0x2D,
      text[52] == 0x2D, let high = Self.number(text, 3, 16), let low = Self.number(text, 19, 16),
      let span = Self.number(text, 36, 16), let flags = Self.number(text, 53, 2), high | low != 0, span != 0
    else { return nil }
    self.init(traceHigh: high, traceLow: low, span: span, flags: UInt8(truncatingIfNeeded: flags))
  }

  package init?(_ text: String) {
    var text = text
    guard let value = text.withUTF8({ TraceParent(UnsafeRawBufferPointer($0)) }) else { return nil }
    self = value
  }

  private static func number(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> UInt64? {
    var value: UInt64 = 0
    for byte in text[start..<(start + count)] {
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt64(byte &- 0x30)
      case 0x41...0x46: value = value << 4 | UInt64(byte &- 0x37)
      case 0x61...0x66: value = value << 4 | UInt64(byte &- 0x57)
      default: return nil
      }
    }
    return value
  }

  package var text: String { withBytes { String(decoding: $0, as: UTF8.self) } }

  /// Lends the text.
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 1) { text in
      var count = 0
      func add(_ byte: UInt8) {
        text[count] = byte
        count += 1
      }
      func add(_ number: UInt64, digits: UInt64) {
        var shift = digits * 4
        while shift > 0 {
          shift -= 4
          let digit = UInt8(truncatingIfNeeded: number >> shift) & 15
          add(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
        }
      }
      add(0, digits: 2)
      add(0x2D)
      add(traceHigh, digits: 16)
      add(traceLow, digits: 16)
      add(0x2D)
      add(span, digits: 16)
      add(0x2D)
      add(UInt64(flags), digits: 2)
      return body(UnsafeRawBufferPointer(text))
    }
  }
}
