// The address of a connection's other end: kept as an IPv6 address (an IPv4 one mapped into it), turned
// into text when someone asks. Whether it is loopback is worked out once, when the connection comes.

package import CSystem
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

  /// Takes an address as the system gives it; other families than IP's stay empty.
  package init(_ storage: sockaddr_storage) {
    let family = Int32(storage.ss_family)
    withUnsafeBytes(of: storage) { bytes in
      switch family {
      case AF_INET:
        let address = bytes.loadUnaligned(as: sockaddr_in.self)
        low = Self.mappedPrefix | UInt64(UInt32(bigEndian: address.sin_addr.s_addr))
        port = UInt16(bigEndian: address.sin_port)
      case AF_INET6:
        let offset = 8  // of sin6_addr
        high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
        port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
      default: break
      }
    }
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
