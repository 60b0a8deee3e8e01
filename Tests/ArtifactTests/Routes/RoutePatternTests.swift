// The pattern grammar.

import Testing

@testable import SpacerArtifact

@Suite struct RoutePatternTests {
  @Test func segments() throws {
    #expect(try RoutePattern(parsing: "/").segments.isEmpty)
    #expect(
      try RoutePattern(parsing: "/a/:id.json/:b-/*rest/").segments == [
        .literal(Array("a".utf8)), .parameter(name: "id", suffix: Array(".json".utf8)),
        .parameter(name: "b", suffix: Array("-".utf8)), .wildcard(name: "rest"),
      ])
    #expect(try RoutePattern(parsing: "/v1/users:batch").segments.count == 2)
    #expect(try RoutePattern(parsing: "/:a/:b.").shape == RoutePattern(parsing: "/:c/:d.").shape)
  }

  @Test(arguments: [
    ("", RoutePatternError.Problem.missingLeadingSlash, 0), ("users", .missingLeadingSlash, 0),
    ("/a//b", .emptySegment, 3), ("//", .emptySegment, 1), ("/a/:", .emptyParameterName, 3),
    ("/a/:.json", .emptyParameterName, 3), ("/*", .emptyParameterName, 1), ("/a/:1x", .badParameterName, 4),
    ("/:a/x/:a", .duplicateParameter("a"), 6), ("/:a/*a", .duplicateParameter("a"), 4),
    ("/:a:b", .secondParameter, 3), ("/*rest/x", .wildcardNotLast, 1), ("/*rest.json", .wildcardSuffix, 6),
    ("/a*b", .strayWildcard, 2), ("/:a*", .strayWildcard, 3), ("/a b", .forbiddenByte(0x20), 2),
    ("/a\tb", .forbiddenByte(9), 2), ("/a?x=1", .forbiddenByte(0x3F), 2), ("/a#b", .forbiddenByte(0x23), 2),
    ("/a%20b", .percentEscape, 2), ("/a/..", .dotSegment, 3), ("/./a", .dotSegment, 1),
  ])
  func malformed(_ text: String, _ problem: RoutePatternError.Problem, _ offset: Int) {
    #expect(throws: RoutePatternError(problem, at: offset)) { try RoutePattern(parsing: text) }
  }
}
