// Findings about routes, and the explanation of a match.

import SpacerArtifact
import Testing

@testable import SpacerCompiler

@Suite struct RouteAnalysisTests {
  private func routes(_ text: String) -> [RouteAnalysis.Route] {
    text.split(separator: "\n").map { line in
      let parts = line.split(separator: " ")
      let method = RouteMethod(name: String(parts[0])).map { RouteMethods($0) } ?? .any
      return RouteAnalysis.Route(methods: method, pattern: String(parts[1]))
    }
  }

  private func findings(_ text: String) -> [RouteAnalysis.Finding] { RouteAnalysis(routes(text)).findings }

  @Test func cleanSets() {
    #expect(
      findings(
        """
        GET /
        GET /users/:id
        POST /users/:name
        GET /users/me
        GET /users/:id/posts
        GET /users/:user/likes
        ANY /users/:id
        GET /files/*path
        GET /files/:name
        GET /:a.json
        GET /:a
        """
      ).isEmpty)
  }

  @Test func malformed() {
    #expect(
      findings("GET users\nGET /a/:\nGET /ok") == [
        .malformed(route: 0, offset: 0, problem: "a route's path begins with '/'"),
        .malformed(route: 1, offset: 3, problem: "a parameter needs a name after ':' or '*'"),
      ])
  }

  @Test func duplicatesAndConflicts() {
    let get = RouteMethods(.get)
    #expect(
      findings(
        "GET /a\nGET /a/\nPOST /a\nGET /u/:id\nGET /u/:name\nANY /x\nANY /x\nGET /:f.js/*r\nGET /:g.js/*r")
        == [
          .duplicate(route: 1, of: 0, methods: get, witness: "/a"),
          .conflict(route: 4, with: 3, methods: get, witness: "/u/name"),
          .duplicate(route: 6, of: 5, methods: .any, witness: "/x"),
          .conflict(route: 8, with: 7, methods: get, witness: "/g.js/r"),
        ])
  }

  @Test func shadowedWildcard() {
    #expect(
      findings("GET /*all\nGET /:x\nGET /:x/*rest") == [
        .unreachable(route: 0, by: [1, 2], witness: "/all")
      ])
    #expect(findings("GET /*all\nGET /:x/*rest").isEmpty)
    #expect(findings("GET /*all\nGET /:x\nPOST /:x/*rest").isEmpty)
    #expect(
      findings("GET /*all\nGET /:x\nANY /:x/:y\nGET /:x/:y/*rest") == [
        .unreachable(route: 0, by: [1, 2, 3], witness: "/all")
      ])
    // The witness avoids literal texts that would take it away.
    #expect(
      findings("GET /all\nGET /*all\nGET /:x\nGET /:x/*rest") == [
        .unreachable(route: 1, by: [2, 3], witness: "/all1")
      ])
    // ANY remains for methods that no route names.
    #expect(findings("ANY /*all\nGET /:x\nGET /:x/*rest").isEmpty)
    #expect(
      findings("ANY /*all\nANY /:x\nANY /:x/*rest") == [
        .unreachable(route: 0, by: [1, 2], witness: "/all")
      ])
  }

  @Test func explanation() {
    let routes = routes("POST /users/me\nGET /users/:id\nGET /users/:id/posts\nGET /files/*path")
    func lines(_ method: RouteMethod, _ path: String) -> String {
      RouteExplanation(routes, method: method, path: path).lines.joined(separator: "\n")
    }
    #expect(
      lines(.get, "/users/me?x=1") == """
        GET /users/me
          'users': literal text fits
            'me': literal text fits, but only POST is routed there
            'me': a parameter takes it
              the path ends, and GET /users/:id is routed here
        matched: GET /users/:id
          id = me
        """)
    #expect(
      lines(.get, "//users/7%2F8/likes") == """
        GET //users/7%2F8/likes
        normal form: /users/7%2F8/likes
          'users': literal text fits
            '7%2F8': no such literal text here
            '7%2F8': a parameter takes it
              'likes': no such literal text here
              'likes': nothing else fits, going back
            '7%2F8': nothing else fits, going back
          'users': nothing else fits, going back
        404: no route's path fits
        """)
    #expect(lines(.put, "/users/me").hasSuffix("405: Allow: GET, POST, HEAD, OPTIONS"))
    #expect(lines(.options, "/users/7").hasSuffix("204: Allow: GET, HEAD, OPTIONS"))
    #expect(
      lines(.head, "/users/7").hasSuffix("matched: GET /users/:id, as HEAD falls back to GET\n  id = 7"))
    #expect(lines(.get, "/users/%").hasSuffix("invalid escape or a NUL"))
    #expect(lines(.get, "/files/a/b/").hasSuffix("matched: GET /files/*path\n  path = a/b"))
    #expect(RouteExplanation(routes, method: .get, path: "/users/7").route == 1)
    #expect(RouteExplanation(routes, method: .put, path: "/nowhere").allowed.isEmpty)
  }
}
