// Why a pattern cannot be parsed, and where in its text.

/// A malformed pattern.
package struct RoutePatternError: Error, Equatable, Sendable {
  /// What is wrong.
  package enum Problem: Equatable, Sendable {
    case missingLeadingSlash
    case emptySegment
    case emptyParameterName
    case badParameterName
    case duplicateParameter(String)
    case secondParameter
    case wildcardNotLast
    case wildcardSuffix
    case strayWildcard
    case forbiddenByte(UInt8)
    case percentEscape
    case dotSegment
    case tooLong
    case tooManySegments
    case tooManyParameters
  }

  package let problem: Problem
  /// In bytes from the pattern's beginning.
  package let offset: Int

  init(_ problem: Problem, at offset: Int) {
    self.problem = problem
    self.offset = offset
  }
}

extension RoutePatternError: CustomStringConvertible {
  /// One sentence, lower case, without a full stop.
  package var description: String {
    switch problem {
    case .missingLeadingSlash: "a route's path begins with '/'"
    case .emptySegment: "a route's path has no empty segment: '//' counts as '/' in a request"
    case .emptyParameterName: "a parameter needs a name after ':' or '*'"
    case .badParameterName: "a parameter's name begins with a letter or '_'"
    case .duplicateParameter(let name): "the parameter '\(name)' occurs twice in one path"
    case .secondParameter: "one segment holds one parameter"
    case .wildcardNotLast: "a '*' parameter takes the rest of the path and must be the last segment"
    case .wildcardSuffix: "nothing follows a '*' parameter's name"
    case .strayWildcard: "'*' stands only at the beginning of the last segment, before a name"
    case .forbiddenByte(0x20): "a route's path holds no space"
    case .forbiddenByte(UInt8(ascii: "?")): "a route's path has no query: what follows '?' comes in args"
    case .forbiddenByte(UInt8(ascii: "#")): "a route's path has no fragment: clients never send '#'"
    case .forbiddenByte: "a route's path holds no control character"
    case .percentEscape: "a route's path is compared after decoding: write the character, not its escape"
    case .dotSegment: "'.' and '..' are resolved before matching, so this segment is never seen"
    case .tooLong: "a route's path has at most \(Limits.patternBytesMax) bytes"
    case .tooManySegments: "a route's path has at most \(Limits.patternSegmentsMax) segments"
    case .tooManyParameters: "a route's path has at most \(Limits.routeParametersMax) parameters"
    }
  }
}
