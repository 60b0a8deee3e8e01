// One request from its first byte to its body's last, as a value over the buffer it arrives in. The body
// of a chunked message is moved together in place, right behind the head, so that whoever reads it sees
// the same thing for both framings. The same bytes give the same result however they were split.

/// What decoding came to.
package enum DecodeStep: Equatable {
  case needsMore
  /// Head and body are there.
  case complete
  case refused(Refusal)
}

/// Decodes one request; a fresh value for each.
package struct RequestDecoder: Sendable {
  /// How far the request has come.
  package enum Stage: UInt8, Sendable {
    case head, lengthBody, chunkedBody, complete
  }

  private var parser = HeadParser()
  private var chunks = ChunkedDecoder()
  package private(set) var stage = Stage.head
  /// Everything before it was decoded; the message's end once it is complete.
  package private(set) var position = 0
  /// The bytes of the body that are there.
  package private(set) var bodyCount = 0
  private var wantsContinue = false

  package init() {}

  package var head: RequestHead { parser.head }

  /// Goes on with what the buffer holds; its content begins at the message's first byte.
  package mutating func advance(
    _ buffer: inout ByteBuffer, _ options: borrowing HTTPOptions
  ) -> DecodeStep {
    if stage == .head {
      switch parser.parse(buffer.bytes.bytes, options) {
      case .incomplete: return .needsMore
      case .refused(let refusal): return .refused(refusal)
      case .complete: break
      }
      if let refusal = beginBody(options) { return .refused(refusal) }
    }
    switch stage {
    case .lengthBody:
      let wanted = parser.head.contentLength
      bodyCount = min(wanted, buffer.count &- Int(parser.head.byteCount))
      position = Int(parser.head.byteCount) &+ bodyCount
      guard bodyCount == wanted else { return .needsMore }
      stage = .complete
    case .chunkedBody: return advanceChunks(&buffer, options)
    case .head, .complete: break
    }
    return .complete
  }

  private mutating func beginBody(_ options: borrowing HTTPOptions) -> Refusal? {
    position = Int(parser.head.byteCount)
    if parser.head.flags.contains(.chunked) {
      stage = .chunkedBody
    } else if parser.head.contentLength > 0 {
      guard parser.head.contentLength <= options.bodyBytesMax else { return .bodyTooLarge }
      stage = .lengthBody
    } else {
      stage = .complete
      return nil
    }
    wantsContinue = parser.head.flags.contains(.expectsContinue)
    return nil
  }

  private mutating func advanceChunks(
    _ buffer: inout ByteBuffer, _ options: borrowing HTTPOptions
  ) -> DecodeStep {
    let bodyStart = Int(parser.head.byteCount)
    while true {
      switch chunks.next(buffer.bytes.bytes, from: position, options) {
      case .data(let skipped, let count):
        position += skipped
        buffer.move(from: position, to: bodyStart + bodyCount, count: count)
        position += count
        bodyCount += count
      case .needsMore(let skipped):
        // Framing must not pile up in the buffer: bodies of tiny chunks are mostly framing.
        buffer.remove(from: bodyStart + bodyCount, to: position + skipped)
        position = bodyStart + bodyCount
        return .needsMore
      case .complete(let skipped):
        position += skipped
        stage = .complete
        return .complete
      case .refused(let refusal): return .refused(refusal)
      }
    }
  }

  /// Whether `100 Continue` is to be sent now: once, if the client waits for it with its body.
  package mutating func takeContinue(_ buffer: ByteBuffer) -> Bool {
    guard wantsContinue else { return false }
    wantsContinue = false
    return stage != .complete && buffer.count == Int(parser.head.byteCount)
  }

  /// How much of a body to make room for, beside what is there: at most as much again, so that a body
  /// that is announced long and comes short costs what came.
  package var wantedBytes: Int {
    switch stage {
    case .lengthBody: min(parser.head.contentLength - bodyCount, Int(parser.head.byteCount) + bodyCount)
    case .chunkedBody: bodyCount
    case .head, .complete: 0
    }
  }
}
