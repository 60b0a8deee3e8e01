// The head of an answer, written in one go into memory that is large enough. Header lines that a handler
// brings are copied as they are: who makes them checks them.

/// How an answer says what happens to the connection.
package enum ConnectionHeader: UInt8, Sendable {
  /// HTTP/1.1's own way: nothing is said.
  case implied
  /// To an HTTP/1.0 client that asked for it.
  case keepAlive
  case close
}

/// How an answer's length is told.
package enum ResponseFraming: Equatable, Sendable {
  case length(Int)
  case chunked
  /// By the connection's end, to an HTTP/1.0 client.
  case close
  /// There is no body, by the status.
  case none
}

/// What an answer's Content-Type is.
package enum ResponseContentType: UInt8, Sendable {
  /// `application/json`.
  case json
  /// Whatever the handler's header lines say.
  case inHeaders
}

/// Writes into memory of known size; going beyond it traps.
package struct ByteWriter: ~Copyable {
  private let memory: UnsafeMutableRawBufferPointer
  package private(set) var count = 0

  package init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

  @inline(__always)
  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= memory.count &- count)
    guard let source = bytes.baseAddress, let target = memory.baseAddress else { return }
    (target + count).copyMemory(from: source, byteCount: bytes.count)
    count &+= bytes.count
  }

  @inline(__always)
  package mutating func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inline(__always)
  package mutating func append(_ byte: UInt8) {
    memory[count] = byte
    count &+= 1
  }

  /// Appends a number, not negative, as decimal text.
  package mutating func append(decimal number: Int) {
    precondition(number >= 0)
    var digitCount = 1
    var rest = number
    while rest >= 10 {
      rest /= 10
      digitCount += 1
    }
    rest = number
    for offset in stride(from: count + digitCount - 1, through: count, by: -1) {
      memory[offset] = 48 + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    count += digitCount
  }

  /// Appends a number, not negative, as hexadecimal text.
  package mutating func append(hexadecimal number: Int) {
    precondition(number >= 0)
    let digitCount = max(1, (67 - number.leadingZeroBitCount) / 4)
    for digit in stride(from: digitCount - 1, through: 0, by: -1) {
      let value = UInt8(truncatingIfNeeded: number >> (digit * 4)) & 15
      append(value < 10 ? 48 + value : 87 + value)
    }
  }
}

/// Encodes answers' heads.
package enum ResponseHead {
  /// Room that suffices for everything but the handler's header lines.
  package static let bytesMax = 320

  /// Writes status line and headers with the empty line.
  package static func write(
    _ writer: inout ByteWriter, status: Int, prefix: borrowing ResponsePrefix,
    contentType: ResponseContentType, connection: ConnectionHeader, framing: ResponseFraming,
    headers: UnsafeRawBufferPointer
  ) {
    if status == 200, contentType == .json, connection == .implied, headers.count == 0,
      case .length(let count) = framing
    {
      prefix.withBytes { writer.append($0) }
      writer.append(decimal: count)
      return writer.append("\r\n\r\n")
    }
    writeStatusLine(&writer, status)
    prefix.withDateLine { writer.append($0) }
    if contentType == .json, framing != .none { writer.append("Content-Type: application/json\r\n") }
    switch connection {
    case .implied: break
    case .keepAlive: writer.append("Connection: keep-alive\r\n")
    case .close: writer.append("Connection: close\r\n")
    }
    if headers.count > 0 { writer.append(headers) }
    switch framing {
    case .length(let count):
      writer.append("Content-Length: ")
      writer.append(decimal: count)
      writer.append("\r\n\r\n")
    case .chunked: writer.append("Transfer-Encoding: chunked\r\n\r\n")
    case .close, .none: writer.append("\r\n")
    }
  }

  private static func writeStatusLine(_ writer: inout ByteWriter, _ status: Int) {
    precondition((200...999).contains(status), "not a final status")
    writer.append("HTTP/1.1 ")
    writer.append(decimal: status)
    writer.append(" ")
    writer.append(reason(status))
    writer.append("\r\n")
  }

  /// The reason phrase of a status; of an unknown one, nothing.
  package static func reason(_ status: Int) -> StaticString {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 203: "Non-Authoritative Information"
    case 204: "No Content"
    case 205: "Reset Content"
    case 206: "Partial Content"
    case 300: "Multiple Choices"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 416: "Range Not Satisfiable"
    case 417: "Expectation Failed"
    case 418: "I'm a Teapot"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 425: "Too Early"
    case 426: "Upgrade Required"
    case 428: "Precondition Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 451: "Unavailable For Legal Reasons"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}
