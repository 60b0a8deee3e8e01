// A request's head as offsets into the bytes it stands in: a plain value of fixed size, without a header
// table. What every request needs is collected while parsing; the other headers are found by going
// through the lines again, which are valid by then.

package import SpacerArtifact

/// A range of bytes, relative to the start of the message.
package struct ByteRange: Equatable, Sendable, BitwiseCopyable {
  package var start: UInt32
  package var count: UInt32

  @inline(__always)
  init(_ start: Int, _ end: Int) {
    self.start = UInt32(truncatingIfNeeded: start)
    count = UInt32(truncatingIfNeeded: end &- start)
  }

  /// Nothing.
  static let empty = ByteRange(0, 0)
  /// The offset behind the last byte.
  package var end: Int { Int(start) + Int(count) }
  package var isEmpty: Bool { count == 0 }
}

/// What was seen in a head.
package struct HeadFlags: OptionSet, Sendable, BitwiseCopyable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let host = HeadFlags(rawValue: 1 << 0)
  static let contentLength = HeadFlags(rawValue: 1 << 1)
  static let chunked = HeadFlags(rawValue: 1 << 2)
  /// `Expect: 100-continue`, in a version that has it.
  static let expectsContinue = HeadFlags(rawValue: 1 << 3)
  static let close = HeadFlags(rawValue: 1 << 4)
  static let keepAlive = HeadFlags(rawValue: 1 << 5)
  /// `Forwarded` or `X-Forwarded-For`: the peer is a proxy, not the client.
  package static let forwarded = HeadFlags(rawValue: 1 << 6)
  /// The target holds a `?`, even if nothing follows it.
  package static let query = HeadFlags(rawValue: 1 << 7)
  /// The path holds a `%`, `//` or a segment that begins with a dot: it may need normalisation.
  package static let unusualPath = HeadFlags(rawValue: 1 << 8)
  /// The target is `*`, of OPTIONS.
  package static let asterisk = HeadFlags(rawValue: 1 << 9)
  /// The target was absolute; `host` is its authority.
  static let absolute = HeadFlags(rawValue: 1 << 10)
}

/// The head of one request.
package struct RequestHead: Equatable, Sendable {
  package var method = RouteMethod.other
  /// 0 or 1, of HTTP/1.
  package var minorVersion: UInt8 = 1
  package var flags: HeadFlags = []
  package var fieldCount: UInt16 = 0
  package var methodName = ByteRange.empty
  package var path = ByteRange.empty
  /// Behind the `?`.
  package var query = ByteRange.empty
  /// The target's authority, or the Host header's value.
  package var host = ByteRange.empty
  package var contentType = ByteRange.empty
  package var traceParent = ByteRange.empty
  package var spacerTraceID = ByteRange.empty
  package var spacerParentSpanID = ByteRange.empty
  package var spacerSpanID = ByteRange.empty
  /// All header lines, without the empty one.
  package var fields = ByteRange.empty
  /// Where the body begins.
  package var byteCount: UInt32 = 0
  /// What Content-Length says.
  package var contentLength: Int = 0

  package init() {}

  /// Whether the connection may serve a further request.
  package var keepsAlive: Bool {
    minorVersion == 0 ? flags.isSuperset(of: .keepAlive) && !flags.contains(.close) : !flags.contains(.close)
  }
}
