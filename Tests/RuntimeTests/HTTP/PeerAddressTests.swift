import Glibc
import Testing

@testable import SpacerRuntime

@Suite("Peer addresses")
struct PeerAddressTests {
  private func address(_ text: String) -> PeerAddress {
    var storage = [UInt8](repeating: 0, count: 28)
    return storage.withUnsafeMutableBytes { bytes in
      if text.contains(":") {
        bytes.storeBytes(of: sa_family_t(AF_INET6), as: sa_family_t.self)
        inet_pton(AF_INET6, text, bytes.baseAddress.map { $0 + 8 })
      } else {
        bytes.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self)
        inet_pton(AF_INET, text, bytes.baseAddress.map { $0 + 4 })
      }
      bytes.storeBytes(of: UInt16(1_234).bigEndian, toByteOffset: 2, as: UInt16.self)
      return PeerAddress(UnsafeRawBufferPointer(bytes))
    }
  }

  @Test(
    "text and loopback",
    arguments: [
      ("127.0.0.1", "127.0.0.1", true), ("127.255.0.9", "127.255.0.9", true),
      ("128.0.0.1", "128.0.0.1", false), ("10.0.0.127", "10.0.0.127", false), ("::1", "::1", true),
      ("::2", "::2", false), ("::ffff:127.0.0.1", "127.0.0.1", true), ("::ffff:1.2.3.4", "1.2.3.4", false),
      ("::127.0.0.1", "::127.0.0.1", false), ("2001:db8::1", "2001:db8::1", false),
      ("1::ffff:127.0.0.1", "1::ffff:7f00:1", false),
    ])
  func addresses(_ input: String, _ expected: String, _ isLoopback: Bool) {
    let peer = address(input)
    #expect(peer.text == expected)
    #expect(peer.isLoopback == isLoopback)
    #expect(peer.port == 1_234)
  }
}
