// Universally unique identifiers (RFC 9562) as values.

/// The 128 bits of one identifier, first byte highest.
struct UUIDValue: Equatable {
  private(set) var high: UInt64
  private(set) var low: UInt64

  /// The bits with their version and variant set as the standard says.
  init(high: UInt64, low: UInt64, version: UInt64) {
    self.high = high & ~0xF000 | version << 12
    self.low = low & ~(3 << 62) | 2 << 62
  }

  /// From text in the form of 8-4-4-4-12 digits of either case; nil for anything else.
  init?(_ text: UnsafeRawBufferPointer) {
    guard text.count == Self.textBytes else { return nil }
    (high, low) = (0, 0)
    for (index, byte) in text.enumerated() {
      if Self.isDash(index) {
        guard byte == UInt8(ascii: "-") else { return nil }
        continue
      }
      guard let digit = TextCode.hexValue(byte) else { return nil }
      high = high << 4 | low >> 60
      low = low << 4 | UInt64(digit)
    }
  }

  /// The first 16 bytes of a digest as a name-based identifier; nil when there are fewer.
  init?(digest: UnsafeRawBufferPointer, version: UInt64) {
    guard digest.count >= 16 else { return nil }
    self.init(
      high: UInt64(bigEndian: digest.loadUnaligned(as: UInt64.self)),
      low: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)), version: version)
  }

  private static let textBytes = 36

  private static func isDash(_ index: Int) -> Bool { index == 8 || index == 13 || index == 18 || index == 23 }

  /// The 16 bytes.
  func append(to output: inout OutputBuffer) {
    for word in [high, low] {
      for shift in stride(from: UInt64(56), through: 0, by: -8) {
        output.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
  }

  /// The text, in lower case.
  func appendText(to output: inout OutputBuffer) {
    var (high, low) = (high, low)
    for index in 0..<Self.textBytes {
      guard !Self.isDash(index) else {
        output.append(UInt8(ascii: "-"))
        continue
      }
      let digit = UInt8(high >> 60)
      output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      high = high << 4 | low >> 60
      low <<= 4
    }
  }
}

/// Makes identifiers of version 7 that grow from one to the next: those of one millisecond are numbered in
/// the 12 bits after the time (RFC 9562, section 6.2, method 1).
struct UUIDSequence {
  private var milliseconds: UInt64 = 0
  private var counter: UInt64 = 0

  /// - Parameters:
  ///   - now: Milliseconds since 1970; a clock that goes back is not followed.
  ///   - random: Fresh random bits.
  mutating func next(now: UInt64, random: (UInt64, UInt64)) -> UUIDValue {
    if now > milliseconds {
      milliseconds = now
      // Half of the numbers are left to count in.
      counter = random.0 & 0x7FF
    } else if counter < 0xFFF {
      counter += 1
    } else {
      milliseconds += 1
      counter = random.0 & 0x7FF
    }
    return UUIDValue(high: milliseconds << 16 | counter, low: random.1, version: 7)
  }
}
