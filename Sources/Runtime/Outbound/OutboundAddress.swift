// Which addresses belong to the public internet: what `limits.outbound: public` lets functions connect to.
// The special-purpose blocks are those of the IANA registries (RFC 6890 and its successors).

import CSystem
import Glibc

/// Where functions may send requests.
package enum OutboundPolicy: String, Sendable, CaseIterable {
  /// Anywhere.
  case allow
  /// To public addresses only.
  case `public`
}

/// An IP address as a target of requests.
package struct OutboundAddress: Equatable, Sendable {
  /// Network order; an IPv4 address is the first four bytes.
  private let bytes: [UInt8]

  /// The address of a system's socket address; nil for another family than IP's.
  package init?(socketAddress: UnsafeRawBufferPointer) {
    guard socketAddress.count >= MemoryLayout<sa_family_t>.size else { return nil }
    let range: Range<Int>
    switch Int32(socketAddress.loadUnaligned(as: sa_family_t.self)) {
    case AF_INET: range = 4..<8
    case AF_INET6: range = 8..<24
    default: return nil
    }
    guard socketAddress.count >= range.upperBound else { return nil }
    bytes = Array(socketAddress[range])
  }

  /// The address that a text such as `192.0.2.1`, `2001:db8::1` or `[::1]` is; nil when it is a name.
  package init?(_ text: String) {
    var text = Substring(text)
    if text.first == "[", text.last == "]" { text = text.dropFirst().dropLast() }
    if let zone = text.firstIndex(of: "%") { text = text[..<zone] }
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: count)
      let result = bytes.withUnsafeMutableBytes { inet_pton(family, String(text), $0.baseAddress) }
      if result == 1 {
        self.bytes = bytes
        return
      }
    }
    return nil
  }

  /// `192.0.2.1` or `2001:db8::1`.
  package var text: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
      let family = bytes.count == 4 ? AF_INET : AF_INET6
      _ = bytes.withUnsafeBytes {
        inet_ntop(family, $0.baseAddress, text.baseAddress, socklen_t(text.count))
      }
      return text.baseAddress.map { String(cString: $0) } ?? ""
    }
  }

  /// Whether it lies in `block/bits` of the same family.
  package func isIn(_ block: OutboundAddress, bits: Int) -> Bool {
    guard bytes.count == block.bytes.count, bits >= 0, bits <= bytes.count * 8 else { return false }
    for (index, byte) in bytes.enumerated() {
      let rest = bits - index * 8
      guard rest > 0 else { return true }
      let mask: UInt8 = rest >= 8 ? 0xFF : ~(0xFF >> UInt8(rest))
      if (byte ^ block.bytes[index]) & mask != 0 { return false }
    }
    return true
  }

  /// Whether a host of the public internet can have it.
  package var isPublic: Bool {
    guard bytes.count == 16 else { return !Self.isIn(Self.special4, self) }
    // NAT64's well-known prefix stands for an IPv4 address, and is how a network without IPv4 reaches it.
    if Self.isIn(Self.translated, self) { return OutboundAddress(ipv4: bytes.suffix(4)).isPublic }
    return Self.isIn(Self.unicast6, self) && !Self.isIn(Self.special6, self)
  }

  private init(ipv4: ArraySlice<UInt8>) { bytes = Array(ipv4) }

  private typealias Block = (address: OutboundAddress, bits: Int)

  private static func isIn(_ blocks: [Block], _ address: OutboundAddress) -> Bool {
    blocks.contains { address.isIn($0.address, bits: $0.bits) }
  }

  private static func blocks(_ texts: [(String, Int)]) -> [Block] {
    texts.compactMap { text, bits in OutboundAddress(text).map { ($0, bits) } }
  }

  private static let special4 = blocks([
    ("0.0.0.0", 8), ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("169.254.0.0", 16),
    ("172.16.0.0", 12), ("192.0.0.0", 24), ("192.0.2.0", 24), ("192.88.99.0", 24), ("192.168.0.0", 16),
    ("198.18.0.0", 15), ("198.51.100.0", 24), ("203.0.113.0", 24), ("224.0.0.0", 4), ("240.0.0.0", 4),
  ])
  private static let translated = blocks([("64:ff9b::", 96)])
  /// Global unicast: loopback, mapped, unique-local, link-local and multicast addresses are outside.
  private static let unicast6 = blocks([("2000::", 3)])
  /// Protocol assignments with Teredo, documentation, and 6to4, which can stand for any IPv4 address.
  private static let special6 = blocks([
    ("2001::", 23), ("2001:db8::", 32), ("2002::", 16), ("3fff::", 20),
  ])
}
