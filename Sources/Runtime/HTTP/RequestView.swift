// A request as its handler sees it: two pointers, made anew for each look, and never kept. Invariants:
// `base` is the first byte of the connection's input, where its decoder has completed a message; the slot
// and the input neither move nor change while the view is borrowed.

package import SpacerArtifact

/// One request with its whole body. Valid only during the call it is passed to; what is to outlive it
/// must be copied, or asked for again with `HTTPServer.request`.
package struct RequestView: ~Copyable {
  private let base: UnsafeMutableRawPointer
  private let connection: UnsafePointer<Connection>

  /// - Precondition: The connection's decoder has completed a request.
  init(_ connection: UnsafeMutablePointer<Connection>) {
    guard let base = connection.pointee.input.mutableBytes.baseAddress else {
      preconditionFailure("a complete request without bytes")
    }
    self.base = base
    self.connection = UnsafePointer(connection)
  }

  package var head: RequestHead { connection.pointee.decoder.head }
  package var peer: PeerAddress { connection.pointee.peer }
  /// Whether it came over TLS.
  package var isSecure: Bool { connection.pointee.tls != nil }
  /// Whether it came to the write proxy's address.
  package var isForWriteProxy: Bool { connection.pointee.flags.contains(.writeProxy) }
  /// Whether it may be for something else than the application's routes.
  package var isInspected: Bool { connection.pointee.flags.contains(.inspected) }
  /// The loop's monotonic time, in nanoseconds, of the turn in which the request was complete.
  package var receivedNanoseconds: UInt64 { connection.pointee.receivedAt }

  package var method: RouteMethod { head.method }

  /// The bytes of a range of `head`.
  package func bytes(_ range: ByteRange) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + Int(range.start), count: Int(range.count))
  }

  /// The method as it was sent.
  package var methodName: UnsafeRawBufferPointer { bytes(head.methodName) }
  /// The path as it was sent, or as it was made in place since.
  package var path: UnsafeRawBufferPointer { bytes(head.path) }
  /// The path, to be normalised in place.
  package var mutablePath: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base + Int(head.path.start), count: Int(head.path.count))
  }
  /// What stands behind the `?`.
  package var query: UnsafeRawBufferPointer { bytes(head.query) }
  package var host: UnsafeRawBufferPointer { bytes(head.host) }
  package var contentType: UnsafeRawBufferPointer { bytes(head.contentType) }
  /// The body, decoded; empty when there is none.
  package var body: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + Int(head.byteCount), count: connection.pointee.decoder.bodyCount)
  }

  /// Whether the client itself is on this machine: a loopback peer that is no proxy for someone else.
  package var isLocal: Bool { peer.isLoopback && !head.flags.contains(.forwarded) }

  /// Calls `body` with each header in order, as it was sent without the blanks around the value, until
  /// it returns false.
  package func forEachHeader(
    _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
  ) {
    let lines = bytes(head.fields)
    var offset = 0
    while offset < lines.count {
      let nameEnd = ByteScan.first(UInt8(ascii: ":"), lines.bytes, from: offset, to: lines.count)
      let lineEnd = ByteScan.first(UInt8(ascii: "\r"), lines.bytes, from: nameEnd, to: lines.count)
      var value = nameEnd + 1
      var valueEnd = lineEnd
      while value < valueEnd, lines[value] == 0x20 || lines[value] == 0x09 { value += 1 }
      while valueEnd > value, lines[valueEnd - 1] == 0x20 || lines[valueEnd - 1] == 0x09 { valueEnd -= 1 }
      let name = UnsafeRawBufferPointer(rebasing: lines[offset..<nameEnd])
      guard body(name, UnsafeRawBufferPointer(rebasing: lines[value..<valueEnd])) else { return }
      offset = lineEnd + 2
    }
  }

  /// The first header of a name, in any case; nil when there is none.
  package func header(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var found: UnsafeRawBufferPointer?
    forEachHeader { candidate, value in
      guard candidate.count == name.count,
        zip(candidate, name).allSatisfy({ Self.folded($0) == Self.folded($1) })
      else { return true }
      found = value
      return false
    }
    return found
  }

  private static func folded(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }
}
