// The address of a connection's other end: kept as an IPv6 address (an IPv4 one mapped into it), turned
// into text when someone asks. Whether it is loopback is worked out once, when the connection comes.

import Glibc

/// A peer's address and port.
package struct PeerAddress: Equatable, Sendable, BitwiseCopyable {
  /// In network order, as two words of host order.
  private var high: UInt64 = 0
  private var low: UInt64 = 0
  package private(set) var port: UInt16 = 0
  /// 127.0.0.0/8, also mapped into IPv6, and ::1.
  package private(set) var isLoopback = false

  private static let mappedPrefix: UInt64 = 0xFFFF_0000_0000

  package init() {}

  /// 127.0.0.1, without a port.
  static let loopback: PeerAddress = {
    var address = PeerAddress()
    address.low = mappedPrefix | 0x7F00_0001
    address.isLoopback = true
    return address
  }()

  /// Takes the bytes of a system's socket address; another family than IP's stays empty.
  package init(_ address: UnsafeRawBufferPointer) {
    switch Int32(address.loadUnaligned(as: sa_family_t.self)) {
    case AF_INET:
      let ipv4 = UInt32(bigEndian: address.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
      low = Self.mappedPrefix | UInt64(ipv4)
    case AF_INET6:
      high = UInt64(bigEndian: address.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      low = UInt64(bigEndian: address.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
    default: return
    }
    port = UInt16(bigEndian: address.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    isLoopback = high == 0 && (low == 1 || low >> 24 == (Self.mappedPrefix | 0x7F00_0000) >> 24)
  }

  /// `192.0.2.1` or `2001:db8::1`.
  package var text: String {
    let isMapped = high == 0 && low >> 32 == 0xFFFF
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
      if isMapped {
        var address = UInt32(truncatingIfNeeded: low).bigEndian
        inet_ntop(AF_INET, &address, text.baseAddress, socklen_t(text.count))
      } else {
        var address = (high.bigEndian, low.bigEndian)
        inet_ntop(AF_INET6, &address, text.baseAddress, socklen_t(text.count))
      }
      return text.baseAddress.map { String(cString: $0) } ?? ""
    }
  }
}
