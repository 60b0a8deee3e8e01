import CSystem
import Glibc
import Testing

@testable import SpacerRuntime

@Suite("Addresses of outbound requests")
struct OutboundAddressTests {
  @Test(arguments: [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
    "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::10.0.0.1", "64:ff9b:1::1",
    "100::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::1", "3fff::1", "4000::1",
  ])
  func isNotPublic(_ text: String) throws {
    #expect(!(try #require(OutboundAddress(text))).isPublic)
  }

  @Test(arguments: [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.0.0.1",
    "128.0.0.1", "169.253.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.0.1", "198.17.0.1",
    "198.20.0.1", "223.255.255.255",
    "2606:4700::1111", "2a00::1", "2001:200::1", "2001:4860:4860::8888", "64:ff9b::8.8.8.8",
  ])
  func isPublic(_ text: String) throws {
    #expect(try #require(OutboundAddress(text)).isPublic)
  }

  @Test func namesAreNoAddresses() {
    for text in ["", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "[::1", "::g"] {
      #expect(OutboundAddress(text) == nil, "\(text)")
    }
    #expect(OutboundAddress("[::1]")?.text == "::1")
    #expect(OutboundAddress("fe80::1%eth0")?.text == "fe80::1")
  }

  @Test func socketAddressesOfOtherFamiliesAndShortOnesAreNone() {
    var ipv4 = sockaddr_in()
    ipv4.sin_family = sa_family_t(AF_INET)
    ipv4.sin_addr.s_addr = in_addr_t(0x0A00_0001).bigEndian
    withUnsafeBytes(of: &ipv4) { bytes in
      #expect(OutboundAddress(socketAddress: bytes)?.text == "10.0.0.1")
      #expect(OutboundAddress(socketAddress: UnsafeRawBufferPointer(rebasing: bytes[..<7])) == nil)
      #expect(OutboundAddress(socketAddress: UnsafeRawBufferPointer(rebasing: bytes[..<1])) == nil)
    }
    var ipv6 = sockaddr_in6()
    ipv6.sin6_family = sa_family_t(AF_INET6)
    ipv6.sin6_addr = in6addr_loopback
    withUnsafeBytes(of: &ipv6) { #expect(OutboundAddress(socketAddress: $0)?.text == "::1") }
    var local = sockaddr_un()
    local.sun_family = sa_family_t(AF_UNIX)
    withUnsafeBytes(of: &local) { #expect(OutboundAddress(socketAddress: $0) == nil) }
  }

  @Test func blocksEndAtTheirBits() throws {
    let block = try #require(OutboundAddress("10.1.2.128"))
    #expect(try #require(OutboundAddress("10.1.2.255")).isIn(block, bits: 25))
    #expect(!(try #require(OutboundAddress("10.1.2.127")).isIn(block, bits: 25)))
    #expect(try #require(OutboundAddress("200.0.0.1")).isIn(block, bits: 0))
    #expect(!(try #require(OutboundAddress("::1")).isIn(block, bits: 0)))
    #expect(!(try #require(OutboundAddress("10.1.2.128")).isIn(block, bits: 33)))
  }
}

@Suite("Proxy variables")
struct ProxyVariablesTests {
  private func proxy(_ variables: [String: String], _ scheme: String, _ host: String) -> String? {
    ProxyVariables { variables[$0] }.proxy(scheme: scheme, host: host)
  }

  @Test func eachSchemeHasItsOwn() {
    let variables = ["http_proxy": "a:1", "HTTPS_PROXY": "b:2", "ALL_PROXY": "c:3"]
    #expect(proxy(variables, "http", "example.com") == "a:1")
    #expect(proxy(variables, "https", "example.com") == "b:2")
    #expect(proxy(["ALL_PROXY": "c:3"], "http", "example.com") == "c:3")
    // Under CGI this one is a request header.
    #expect(proxy(["HTTP_PROXY": "evil:1"], "http", "example.com") == nil)
    #expect(proxy([:], "https", "example.com") == nil)
  }

  @Test func exceptionsAreNamesAddressesAndBlocks() {
    func isDirect(_ list: String, _ host: String) -> Bool {
      proxy(["http_proxy": "p", "no_proxy": list], "http", host) == nil
    }
    #expect(isDirect("*", "example.com"))
    #expect(isDirect("example.com", "EXAMPLE.com"))
    #expect(isDirect("other.org, .example.com", "api.example.com"))
    #expect(isDirect("example.com", "example.com."))
    #expect(!isDirect("example.com", "badexample.com"))
    #expect(!isDirect("example.com", "example.com.evil.org"))
    #expect(!isDirect(".", "example.com"))
    #expect(isDirect("10.0.0.0/8", "10.20.30.40"))
    #expect(!isDirect("10.0.0.0/8", "11.0.0.1"))
    #expect(!isDirect("10.0.0.0/x", "10.0.0.1"))
    #expect(isDirect("127.0.0.1", "127.0.0.1"))
    #expect(isDirect("::1", "[::1]"))
    #expect(!isDirect("0.0.1", "127.0.0.1"))
  }
}
