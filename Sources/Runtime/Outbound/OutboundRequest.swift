// One outbound request as a value, and what a redirect makes of it.

/// A header line of a request.
struct OutboundHeader {
  /// In lower case.
  var name: String
  /// `Name: value`, in the form libcurl takes.
  var line: [UInt8]

  /// - Throws: When it is no header that a caller may set.
  init(name: [UInt8], value: [UInt8]) throws(OutboundRefusal) {
    let shown = name.withUnsafeBytes { HeaderText.printable($0) }
    guard !name.isEmpty, name.allSatisfy(HeaderText.isToken) else {
      throw OutboundRefusal(message: "'\(shown)' is no header name")
    }
    guard value.allSatisfy(HeaderText.isValue) else {
      throw OutboundRefusal(message: "the header '\(shown)' holds a control character")
    }
    self.name = String(decoding: name, as: UTF8.self).lowercased()
    guard !Self.reserved.contains(self.name) else {
      throw OutboundRefusal(message: "the header '\(shown)' is the platform's to set")
    }
    // libcurl's way of sending an empty value.
    line = value.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) ? name + [0x3B] : name + [0x3A, 0x20] + value
  }

  /// A header of our own.
  init(_ name: String, _ value: String) {
    self.name = name.lowercased()
    line = Array("\(name): \(value)".utf8)
  }

  /// They frame a message or concern one connection: a wrong one would be another request's beginning.
  private static let reserved: Set<String> = [
    "connection", "content-length", "expect", "keep-alive", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade",
  ]
}

/// What to ask, and within which bounds.
struct OutboundRequest {
  /// In capitals.
  var method: String
  var url: OutboundURL
  var headers: [OutboundHeader] = []
  /// Nil for none.
  var body: [UInt8]?
  var timeoutMilliseconds = Self.timeoutMillisecondsDefault
  var connectMilliseconds = Self.connectMillisecondsDefault
  /// How many redirects are followed.
  var redirects = Self.redirectsDefault
  /// The longest body of an answer, decompressed.
  var bodyBytesMax = Self.bodyBytesMaxDefault

  static let timeoutMillisecondsDefault: UInt64 = 30_000
  static let connectMillisecondsDefault = 5_000
  static let redirectsDefault = 5
  static let bodyBytesMaxDefault = 16 << 20

  func has(_ header: String) -> Bool { headers.contains { $0.name == header } }

  /// The request that an answer's redirect asks for (RFC 9110, section 15.4): after 303, and 301 and 302 to a
  /// POST, it is a GET; what proves who asks stays with the server it is for.
  func redirected(to target: OutboundURL, status: Int) -> OutboundRequest {
    var next = self
    next.url = target
    if status == 303 && method != "HEAD" || (status == 301 || status == 302) && method == "POST" {
      next.method = "GET"
      next.body = nil
      next.headers.removeAll { $0.name.hasPrefix("content-") }
    }
    if !target.hasOrigin(of: url) {
      next.headers.removeAll { Self.private.contains($0.name) }
    }
    return next
  }

  private static let `private`: Set<String> = ["authorization", "cookie", "host"]
}

extension TraceContext {
  /// The headers that tell a server which span asks.
  var outboundHeaders: [OutboundHeader] {
    var text = OutputBuffer(capacity: 64)
    func hexadecimal(_ write: (inout OutputBuffer) -> Void) -> String {
      text.reset()
      write(&text)
      return String(decoding: text.bytes, as: UTF8.self)
    }
    let traceID = hexadecimal { appendTrace(to: &$0) }
    let span = hexadecimal { $0.append(hexadecimal: self.span) }
    let parent = hexadecimal { $0.append(hexadecimal: self.parent) }
    return [
      OutboundHeader("traceparent", "00-\(traceID)-\(span)-01"), OutboundHeader("X-Spacer-Trace-Id", traceID),
      OutboundHeader("X-Spacer-Parent-Span-Id", parent), OutboundHeader("X-Spacer-Span-Id", span),
    ]
  }
}
