// The request target in its forms (RFC 9112, 3.2): a path, an absolute URI whose authority overrides Host,
// and `*` for OPTIONS. A target's bytes are visible ASCII or above; bytes above are left to whoever
// decodes the path. A fragment never belongs on the wire.

import SpacerArtifact

enum TargetParser {
  /// Sets path, query and, of an absolute target, host.
  static func parse(_ head: inout RequestHead, _ bytes: RawSpan, from start: Int, to end: Int) -> HeadStep {
    if bytes.byte(start) == UInt8(ascii: "/") {
      return parsePath(&head, bytes, from: start, to: end)
    }
    if case .other = head.method, isConnect(bytes, head.methodName) { return .refused(.connectUnsupported) }
    if bytes.byte(start) == UInt8(ascii: "*"), end == start + 1,
      case .options = head.method
    {
      head.path = ByteRange(start, end)
      head.flags.insert(.asterisk)
      return .complete
    }
    return parseAbsolute(&head, bytes, from: start, to: end)
  }

  /// Finds the query's begin, and whether the path needs normalisation.
  private static func parsePath(
    _ head: inout RequestHead, _ bytes: RawSpan, from start: Int, to end: Int
  ) -> HeadStep {
    var pathEnd = ByteScan.firstInPath(bytes, from: start, to: end)
    while pathEnd < end {
      let byte = bytes.byte(pathEnd)
      if byte == UInt8(ascii: "#") { return .refused(.malformedTarget) }
      if byte == UInt8(ascii: "?") {
        guard ByteScan.first(UInt8(ascii: "#"), bytes, from: pathEnd, to: end) == end else {
          return .refused(.malformedTarget)
        }
        head.query = ByteRange(pathEnd + 1, end)
        head.flags.insert(.query)
        break
      }
      head.flags.insert(.unusualPath)
      pathEnd = ByteScan.firstInPath(bytes, from: pathEnd + 1, to: end)
    }
    head.path = ByteRange(start, pathEnd)
    return .complete
  }

  private static func parseAbsolute(
    _ head: inout RequestHead, _ bytes: RawSpan, from start: Int, to end: Int
  ) -> HeadStep {
    var offset = start
    while offset < end, bytes.byte(offset) != UInt8(ascii: ":") { offset += 1 }
    guard offset + 3 < end, bytes.byte(offset + 1) == UInt8(ascii: "/"),
      bytes.byte(offset + 2) == UInt8(ascii: "/"), isHTTP(bytes, from: start, to: offset)
    else { return .refused(.malformedTarget) }
    let authority = offset + 3
    offset = authority
    while offset < end, !isAuthorityEnd(bytes.byte(offset)) { offset += 1 }
    guard offset > authority, HeaderFields.isHost(bytes, from: authority, to: offset) else {
      return .refused(.malformedTarget)
    }
    head.host = ByteRange(authority, offset)
    head.flags.insert(.absolute)
    if offset < end, bytes.byte(offset) == UInt8(ascii: "/") {
      return parsePath(&head, bytes, from: offset, to: end)
    }
    let step = parsePath(&head, bytes, from: offset, to: end)
    // An empty path means the root, and a slash to stand for it is right before the authority.
    head.path = ByteRange(authority - 1, authority)
    return step
  }

  private static func isAuthorityEnd(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
  }

  /// `http` or `https`, in any case.
  private static func isHTTP(_ bytes: RawSpan, from start: Int, to end: Int) -> Bool {
    guard end - start == 4 || end - start == 5 else { return false }
    return bytes.halfWord(start) | 0x2020_2020 == 0x7074_7468
      && (end - start == 4 || bytes.byte(start + 4) | 0x20 == UInt8(ascii: "s"))
  }

  private static func isConnect(_ bytes: RawSpan, _ method: ByteRange) -> Bool {
    method.count == 7 && bytes.halfWord(Int(method.start)) == 0x4E4E_4F43
      && bytes.halfWord(Int(method.start) + 3) == 0x5443_454E
  }
}
