// Who called whom: the ids of a request's trace and span. Read from the original's headers
// (`X-Spacer-Trace-Id`, `X-Spacer-Span-Id`) and from W3C Trace Context (`traceparent`, version 00).

import Glibc
import SpacerEventLog

/// The ids of one span.
struct TraceContext: BitwiseCopyable {
  var traceHigh: UInt64 = 0
  var traceLow: UInt64 = 0
  var span: UInt64 = 0
  /// 0 when the span has no parent.
  var parent: UInt64 = 0

  /// The 32 hexadecimal digits of the trace id.
  func appendTrace(to buffer: inout OutputBuffer) {
    buffer.append(hexadecimal: traceHigh)
    buffer.append(hexadecimal: traceLow)
  }

  /// What tells others who calls.
  var traceParent: TraceParent { TraceParent(traceHigh: traceHigh, traceLow: traceLow, span: span) }

  /// A span below this one.
  func child(span: UInt64) -> TraceContext {
    TraceContext(traceHigh: traceHigh, traceLow: traceLow, span: span, parent: self.span)
  }

  /// Takes trace and parent from `traceparent: 00-TRACE-SPAN-FLAGS`; false when it is malformed.
  mutating func adopt(traceparent text: UnsafeRawBufferPointer) -> Bool {
    guard let parent = TraceParent(text) else { return false }
    traceHigh = parent.traceHigh
    traceLow = parent.traceLow
    self.parent = parent.span
    return true
  }

  /// Takes the trace of `X-Spacer-Trace-Id`: hexadecimal digits, dashes (of a UUID) left out; any other text
  /// is hashed, so that equal ids stay equal.
  mutating func adopt(traceID text: UnsafeRawBufferPointer) {
    guard !text.isEmpty else { return }
    var digits = 0
    var high: UInt64 = 0
    var low: UInt64 = 0
    var isHexadecimal = true
    for byte in text where byte != 0x2D {
      guard let digit = HexDigit.value(byte), digits < 32 else {
        isHexadecimal = false
        break
      }
      high = high << 4 | low >> 60
      low = low << 4 | UInt64(digit)
      digits += 1
    }
    if !isHexadecimal || high | low == 0 {
      high = Self.hash(text, 0xCBF2_9CE4_8422_2325)
      low = Self.hash(text, 0x9AE1_6A3B_2F90_404F)
    }
    traceHigh = high
    traceLow = low
  }

  /// Takes the caller's span of `X-Spacer-Span-Id`.
  mutating func adopt(parentSpan text: UnsafeRawBufferPointer) {
    guard !text.isEmpty else { return }
    var value: UInt64 = 0
    for byte in text {
      guard let digit = HexDigit.value(byte) else {
        parent = Self.hash(text, 0xCBF2_9CE4_8422_2325)
        return
      }
      value = value << 4 | UInt64(digit)
    }
    parent = value
  }

  /// FNV-1a, 64 bits.
  private static func hash(_ text: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    var result = seed
    for byte in text { result = (result ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return result | 1
  }
}

/// Random numbers for ids: xoshiro256**, seeded from the kernel. One a worker; not for secrets.
struct IDGenerator {
  private var s0: UInt64
  private var s1: UInt64
  private var s2: UInt64
  private var s3: UInt64

  init() {
    s0 = Self.seed()
    s1 = Self.seed()
    s2 = Self.seed()
    s3 = Self.seed() | 1
  }

  /// The same numbers for the same seed.
  init(seed: UInt64) {
    var random = SplitMix(seed: seed)
    s0 = random.next()
    s1 = random.next()
    s2 = random.next()
    s3 = random.next() | 1
  }

  private static func seed() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }

  /// A number other than 0.
  @inline(__always)
  mutating func next() -> UInt64 {
    let result = rotate(s1 &* 5, 7) &* 9
    let shifted = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = rotate(s3, 45)
    return result | 1
  }

  @inline(__always)
  private func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }
}
