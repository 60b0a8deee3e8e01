// A route's pattern, parsed: what the table's builder, the compiler's analysis and the reference matcher of
// the tests agree on. The text of a segment is compared with a path's decoded segment, byte for byte.
//
//   pattern   = "/" | 1*( "/" segment ) [ "/" ]
//   segment   = text | ":" name [ suffix ] | "*" name (as the last one)
//   name      = [A-Za-z_] *[A-Za-z0-9_]
//   suffix    = a byte that no name can hold, and everything up to the next "/"

/// A parsed pattern such as `/users/:id.json`.
package struct RoutePattern: Hashable, Sendable {
  /// One segment, without its slash.
  package enum Segment: Hashable, Sendable {
    /// Matches these bytes, one or more.
    case literal([UInt8])
    /// Matches a segment that has at least one byte before `suffix`, which may be empty.
    case parameter(name: String, suffix: [UInt8])
    /// Matches the rest of the path, at least one byte.
    case wildcard(name: String)
  }

  package let segments: [Segment]

  /// Names of the parameters in order of appearance; the matcher's ranges have the same order.
  package var parameterNames: [String] {
    segments.compactMap {
      switch $0 {
      case .literal: nil
      case .parameter(let name, _), .wildcard(let name): name
      }
    }
  }

  /// The segments with parameter names removed: two patterns of the same shape match the same paths.
  package var shape: [Segment] {
    segments.map {
      switch $0 {
      case .literal: $0
      case .parameter(_, let suffix): .parameter(name: "", suffix: suffix)
      case .wildcard: .wildcard(name: "")
      }
    }
  }

  /// Parses a pattern's text; a trailing slash is dropped.
  package init(parsing text: String) throws(RoutePatternError) {
    try self.init(parsing: Array(text.utf8))
  }

  init(parsing bytes: [UInt8]) throws(RoutePatternError) {
    guard bytes.first == UInt8(ascii: "/") else { throw RoutePatternError(.missingLeadingSlash, at: 0) }
    guard bytes.count <= Limits.patternBytesMax else {
      throw RoutePatternError(.tooLong, at: Limits.patternBytesMax)
    }
    if let offset = bytes.firstIndex(where: Self.isForbidden) {
      throw RoutePatternError(.forbiddenByte(bytes[offset]), at: offset)
    }
    var segments: [Segment] = []
    var names: Set<String> = []
    var start = 1
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.count
      guard end > start else { throw RoutePatternError(.emptySegment, at: start) }
      let segment = try Self.parseSegment(bytes[start..<end])
      switch segment {
      case .literal: break
      case .parameter(let name, _), .wildcard(let name):
        guard names.insert(name).inserted else {
          throw RoutePatternError(.duplicateParameter(name), at: start)
        }
        guard names.count <= Limits.routeParametersMax else {
          throw RoutePatternError(.tooManyParameters, at: start)
        }
      }
      if case .wildcard = segment, bytes[end...].contains(where: { $0 != UInt8(ascii: "/") }) {
        throw RoutePatternError(.wildcardNotLast, at: start)
      }
      segments.append(segment)
      guard segments.count <= Limits.patternSegmentsMax else {
        throw RoutePatternError(.tooManySegments, at: start)
      }
      start = end + 1
    }
    self.segments = segments
  }

  private static func parseSegment(_ bytes: ArraySlice<UInt8>) throws(RoutePatternError) -> Segment {
    let start = bytes.startIndex
    let sigil = bytes[start]
    guard sigil == UInt8(ascii: ":") || sigil == UInt8(ascii: "*") else {
      if bytes.elementsEqual(".".utf8) || bytes.elementsEqual("..".utf8) {
        throw RoutePatternError(.dotSegment, at: start)
      }
      return .literal(try checkedText(bytes))
    }
    let nameStart = start + 1
    let nameEnd = bytes[nameStart...].firstIndex { !isNameByte($0) } ?? bytes.endIndex
    guard nameEnd > nameStart else { throw RoutePatternError(.emptyParameterName, at: start) }
    guard !isDigit(bytes[nameStart]) else { throw RoutePatternError(.badParameterName, at: nameStart) }
    let name = String(decoding: bytes[nameStart..<nameEnd], as: UTF8.self)
    let suffix = bytes[nameEnd...]
    if sigil == UInt8(ascii: "*") {
      guard suffix.isEmpty else { throw RoutePatternError(.wildcardSuffix, at: nameEnd) }
      return .wildcard(name: name)
    }
    if let offset = suffix.firstIndex(of: UInt8(ascii: ":")) {
      throw RoutePatternError(.secondParameter, at: offset)
    }
    return .parameter(name: name, suffix: try checkedText(suffix))
  }

  /// Refuses text that was surely not meant literally.
  private static func checkedText(_ bytes: ArraySlice<UInt8>) throws(RoutePatternError) -> [UInt8] {
    for offset in bytes.indices {
      if bytes[offset] == UInt8(ascii: "*") { throw RoutePatternError(.strayWildcard, at: offset) }
      if bytes[offset] == UInt8(ascii: "%"), offset + 2 < bytes.endIndex,
        isHexDigit(bytes[offset + 1]), isHexDigit(bytes[offset + 2])
      {
        throw RoutePatternError(.percentEscape, at: offset)
      }
    }
    return Array(bytes)
  }

  private static func isForbidden(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte == 0x7F || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == UInt8(ascii: "_") || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
  }
}
