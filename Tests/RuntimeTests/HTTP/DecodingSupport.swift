// Decodes bytes in given pieces and reports what came out as a value that can be compared.

import SpacerArtifact

@testable import SpacerRuntime

/// What decoding a piece of input came to.
enum Outcome: Equatable {
  case request(DecodedRequest)
  case refused(Refusal)
  case incomplete
}

/// A request with everything that its handler could see.
struct DecodedRequest: Equatable {
  var method: RouteMethod
  var methodName: String
  var path: String
  var query: String?
  var host: String
  var minorVersion: Int
  var headers: [String]
  var body: [UInt8]
  var keepsAlive: Bool
  /// Bytes behind the message.
  var restCount: Int
}

func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

/// Feeds the bytes piece by piece; each number is an offset at which a new piece begins, in order.
func decode(
  _ bytes: [UInt8], splits: [Int] = [], options: HTTPOptions = HTTPOptions()
) -> Outcome {
  var pool = BufferPool()
  var buffer = ByteBuffer()
  defer { buffer.release(&pool) }
  var decoder = RequestDecoder()
  var start = 0
  for end in splits + [bytes.count] {
    bytes[start..<end].withUnsafeBytes { buffer.append($0, &pool) }
    start = end
    switch decoder.advance(&buffer, options) {
    case .needsMore: continue
    case .refused(let refusal): return .refused(refusal)
    case .complete:
      return .request(
        snapshot(decoder, buffer, restCount: buffer.count - decoder.position + bytes.count - end))
    }
  }
  return .incomplete
}

func decode(_ text: String, splits: [Int] = [], options: HTTPOptions = HTTPOptions()) -> Outcome {
  decode(Array(text.utf8), splits: splits, options: options)
}

private func snapshot(
  _ decoder: RequestDecoder, _ buffer: ByteBuffer, restCount: Int
) -> DecodedRequest {
  let slot = UnsafeMutablePointer<Connection>.allocate(capacity: 1)
  defer { slot.deallocate() }
  slot.initialize(to: Connection())
  slot.pointee.decoder = decoder
  slot.pointee.input = buffer
  let head = decoder.head
  let view = RequestView(slot)
  var headers: [String] = []
  view.forEachHeader { name, value in
    headers.append("\(text(name))=\(text(value))")
    return true
  }
  return DecodedRequest(
    method: head.method, methodName: text(view.methodName), path: text(view.path),
    query: head.flags.contains(.query) ? text(view.query) : nil, host: text(view.host),
    minorVersion: Int(head.minorVersion), headers: headers, body: Array(view.body),
    keepsAlive: head.keepsAlive, restCount: restCount)
}
