// URLs of outbound requests, split by libcurl itself, so that what is checked is what is asked.

import CCurl

/// Why a request is not sent.
struct OutboundRefusal: Error {
  var message: String
}

/// An absolute URL of http or https.
struct OutboundURL {
  /// All that is asked for: without the fragment.
  let whole: String
  /// Without user and password as well.
  let shown: String
  /// In lower case, as is the host.
  let scheme: String
  /// An IPv6 address is in brackets.
  let host: String
  let port: String
  private let hasPort: Bool

  /// The longest URL, in bytes.
  static let bytesMax = 64 << 10

  /// The library is open.
  init(_ text: [UInt8]) throws(OutboundRefusal) {
    guard text.count <= Self.bytesMax else {
      throw OutboundRefusal(message: "the URL is longer than \(Self.bytesMax) bytes")
    }
    guard !text.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw OutboundRefusal(message: "the URL holds a control character")
    }
    let start = String(decoding: text.prefix(8), as: UTF8.self).lowercased()
    guard start.hasPrefix("http://") || start.hasPrefix("https://") else {
      throw OutboundRefusal(message: "the URL must begin with http:// or https://")
    }
    var parts = spacer_curl_url()
    let failure = (text + [0]).withUnsafeBytes {
      spacer_curl_url_parse($0.baseAddress?.assumingMemoryBound(to: CChar.self), &parts)
    }
    if let failure { throw OutboundRefusal(message: "malformed URL: \(String(cString: failure))") }
    defer { spacer_curl_url_release(&parts) }
    func copy(_ part: UnsafeMutablePointer<CChar>?) -> String { part.map { String(cString: $0) } ?? "" }
    whole = copy(parts.whole)
    shown = copy(parts.shown)
    scheme = copy(parts.scheme).lowercased()
    host = copy(parts.host).lowercased()
    port = copy(parts.port)
    hasPort = parts.has_port != 0
  }

  /// For messages: never credentials, path or query.
  var place: String { hasPort ? "\(host):\(port)" : host }

  /// Whether what is meant for `other`'s server may be told to this one's.
  func hasOrigin(of other: OutboundURL) -> Bool {
    scheme == other.scheme && host == other.host && port == other.port
  }

  /// Why the policy forbids to ask a proxy for it, which alone will see the address of a name.
  func refusal(behindProxy policy: OutboundPolicy) -> String? {
    guard policy == .public else { return nil }
    let isLocal = host == "localhost" || host.hasSuffix(".localhost")
    guard isLocal || OutboundAddress(host).map({ !$0.isPublic }) ?? false else { return nil }
    return "\(host) is not a public address (limits.outbound)"
  }
}

/// Percent-encoding of names and values.
enum URLEncoding {
  /// Appends bytes with all but RFC 3986's unreserved characters escaped. In a form a space is `+`.
  static func append(_ bytes: some Sequence<UInt8>, isForm: Bool, to text: inout [UInt8]) {
    for byte in bytes {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        text.append(byte)
      case 0x20 where isForm: text.append(UInt8(ascii: "+"))
      default:
        text.append(UInt8(ascii: "%"))
        for digit in [byte >> 4, byte & 15] { text.append(digit < 10 ? digit + 0x30 : digit + 0x37) }
      }
    }
  }

  /// `a=1&b=2`.
  static func encode(_ pairs: [(name: [UInt8], value: [UInt8])], isForm: Bool) -> [UInt8] {
    var text: [UInt8] = []
    for (name, value) in pairs {
      if !text.isEmpty { text.append(UInt8(ascii: "&")) }
      append(name, isForm: isForm, to: &text)
      text.append(UInt8(ascii: "="))
      append(value, isForm: isForm, to: &text)
    }
    return text
  }

  /// `url` with the pairs added to its query.
  static func add(_ pairs: [(name: [UInt8], value: [UInt8])], to url: [UInt8]) -> [UInt8] {
    guard !pairs.isEmpty else { return url }
    let end = url.firstIndex(of: UInt8(ascii: "#")) ?? url.endIndex
    var result = Array(url[..<end])
    if !result.contains(UInt8(ascii: "?")) {
      result.append(UInt8(ascii: "?"))
    } else if result.last != UInt8(ascii: "?"), result.last != UInt8(ascii: "&") {
      result.append(UInt8(ascii: "&"))
    }
    return result + encode(pairs, isForm: false)
  }
}
