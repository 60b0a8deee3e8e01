// Why a request is not handed on, with the status and the text of the answer. Each ends the connection:
// after a message whose framing is in doubt, nothing that follows can be trusted.

/// A request that the server itself turns down.
package enum Refusal: UInt8, Error, Sendable, CaseIterable {
  case malformedRequestLine
  case malformedTarget
  case malformedHeader
  case missingHost
  case severalHosts
  case malformedHost
  case malformedContentLength
  case severalContentLengths
  case unsupportedTransferEncoding
  case conflictingFraming
  case malformedChunk
  case requestTimeout
  case bodyTooLarge
  case uriTooLong
  case unknownExpectation
  case headersTooLarge
  case connectUnsupported
  case tooManyConnections
  case outOfMemory
  case unsupportedVersion
  case plainHTTP

  /// The status of the answer.
  package var status: Int {
    switch self {
    case .malformedRequestLine, .malformedTarget, .malformedHeader, .missingHost, .severalHosts,
      .malformedHost, .malformedContentLength, .severalContentLengths, .unsupportedTransferEncoding,
      .conflictingFraming, .malformedChunk, .plainHTTP:
      400
    case .requestTimeout: 408
    case .bodyTooLarge: 413
    case .uriTooLong: 414
    case .unknownExpectation: 417
    case .headersTooLarge: 431
    case .connectUnsupported: 501
    case .tooManyConnections, .outOfMemory: 503
    case .unsupportedVersion: 505
    }
  }

  /// The answer's body.
  package var body: StaticString {
    switch self {
    case .malformedRequestLine: "{\"error\":\"malformed request line\"}\n"
    case .malformedTarget: "{\"error\":\"malformed request target\"}\n"
    case .malformedHeader: "{\"error\":\"malformed header\"}\n"
    case .missingHost: "{\"error\":\"missing Host header\"}\n"
    case .severalHosts: "{\"error\":\"several Host headers\"}\n"
    case .malformedHost: "{\"error\":\"malformed Host header\"}\n"
    case .malformedContentLength: "{\"error\":\"malformed Content-Length\"}\n"
    case .severalContentLengths: "{\"error\":\"several Content-Length headers\"}\n"
    case .unsupportedTransferEncoding: "{\"error\":\"unsupported Transfer-Encoding\"}\n"
    case .conflictingFraming: "{\"error\":\"both Content-Length and Transfer-Encoding\"}\n"
    case .malformedChunk: "{\"error\":\"malformed chunked body\"}\n"
    case .requestTimeout: "{\"error\":\"request timeout\"}\n"
    case .bodyTooLarge: "{\"error\":\"request body too large\"}\n"
    case .uriTooLong: "{\"error\":\"request target too long\"}\n"
    case .unknownExpectation: "{\"error\":\"unknown expectation\"}\n"
    case .headersTooLarge: "{\"error\":\"request headers too large\"}\n"
    case .connectUnsupported: "{\"error\":\"CONNECT is not supported\"}\n"
    case .tooManyConnections: "{\"error\":\"too many connections\"}\n"
    case .outOfMemory: "{\"error\":\"out of memory for requests\"}\n"
    case .unsupportedVersion: "{\"error\":\"unsupported HTTP version\"}\n"
    case .plainHTTP: "{\"error\":\"plain HTTP on a port of HTTPS\"}\n"
    }
  }
}
