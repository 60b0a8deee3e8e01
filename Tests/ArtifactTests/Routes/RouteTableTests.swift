// Matching by example, and what the table refuses.

import Testing

@testable import SpacerArtifact

@Suite struct RouteTableTests {
  private func routes(_ text: String) throws -> TestRoutes { try TestRoutes(text) }

  @Test func literalAndParameters() throws {
    let table = try routes(
      """
      GET /
      GET /hello
      GET /users/:id
      POST /users/me
      GET /deep/:a/x/:b/y
      GET /files/*path
      """)
    #expect(table.match(.get, "/") == "GET /")
    #expect(table.match(.get, "/hello") == "GET /hello")
    #expect(table.match(.get, "/hello/") == "GET /hello")
    #expect(table.match(.get, "/hell") == nil)
    #expect(table.match(.get, "/helloo") == nil)
    #expect(table.match(.get, "/users/7/") == "GET /users/:id id=7")
    #expect(table.match(.get, "/users/me") == "GET /users/:id id=me")
    #expect(table.match(.post, "/users/me") == "POST /users/me")
    #expect(table.match(.get, "/users/") == nil)
    #expect(table.match(.get, "/deep/1/x/2/y") == "GET /deep/:a/x/:b/y a=1 b=2")
    #expect(table.match(.get, "/files/a/b/c") == "GET /files/*path path=a/b/c")
    #expect(table.match(.get, "/files/a/") == "GET /files/*path path=a")
    #expect(table.match(.get, "/files/") == nil)
    #expect(table.match(.get, "/files") == nil)
  }

  @Test func precedenceWithBacktracking() throws {
    let table = try routes(
      """
      GET /a/b/c
      GET /a/:x/d
      GET /:y/b/e
      GET /f/:id.json
      GET /f/:id.min.json
      GET /f/:id
      GET /f/*rest
      GET /*all
      """)
    #expect(table.match(.get, "/a/b/c") == "GET /a/b/c")
    #expect(table.match(.get, "/a/b/d") == "GET /a/:x/d x=b")
    #expect(table.match(.get, "/a/b/e") == "GET /:y/b/e y=a")
    #expect(table.match(.get, "/a/b/f") == "GET /*all all=a/b/f")
    #expect(table.match(.get, "/f/1.json") == "GET /f/:id.json id=1")
    #expect(table.match(.get, "/f/1.min.json") == "GET /f/:id.min.json id=1")
    #expect(table.match(.get, "/f/.json") == "GET /f/:id id=.json")
    #expect(table.match(.get, "/f/1") == "GET /f/:id id=1")
    #expect(table.match(.get, "/f/1/2") == "GET /f/*rest rest=1/2")
    #expect(table.match(.get, "/") == nil)
  }

  @Test func methods() throws {
    let table = try routes(
      """
      GET /a
      ANY /a
      ANY /b
      POST /b
      GET /c/me
      HEAD /c/:x
      ANY /d/*rest
      GET /d/x
      """)
    #expect(table.match(.get, "/a") == "GET /a")
    #expect(table.match(.put, "/a") == "ANY /a")
    #expect(table.match(.other, "/a") == "ANY /a")
    #expect(table.match(.post, "/b") == "POST /b")
    #expect(table.match(.head, "/a") == "GET /a")
    #expect(table.match(.head, "/b") == "ANY /b")
    #expect(table.match(.head, "/c/me") == "HEAD /c/:x x=me")
    #expect(table.match(.head, "/d/x") == "GET /d/x")
    #expect(table.match(.post, "/c/me") == nil)
    #expect(table.allowed("/c/me") == "GET, HEAD, OPTIONS")
    #expect(table.allowed("/c/you") == "HEAD, OPTIONS")
    #expect(table.allowed("/nowhere") == "")
  }

  @Test func allowIsTheUnionOverPatterns() throws {
    let table = try routes(
      """
      GET /x/:a
      POST /x/y
      DELETE /:b/y
      PUT /*c
      """)
    #expect(table.allowed("/x/y") == "GET, POST, PUT, DELETE, HEAD, OPTIONS")
    #expect(table.allowed("/x/z") == "GET, PUT, HEAD, OPTIONS")
    #expect(table.allowed("/x") == "PUT, OPTIONS")
    let single = RouteMethods([RouteMethods(.put)]).allowed
    #expect(table.table.allowText(single).map { String(decoding: $0, as: UTF8.self) } == "PUT, OPTIONS")
  }

  @Test func escapesAndDots() throws {
    let table = try routes(
      """
      GET /hello
      GET /users/:id
      GET /users/:id/:part
      GET /files/*path
      GET /é
      """)
    #expect(table.match(.get, "/hel%6Co") == "GET /hello")
    #expect(table.match(.get, "//hello//") == "GET /hello")
    #expect(table.match(.get, "/x/../hello/.") == "GET /hello")
    #expect(table.match(.get, "/%2e%2E/../hello") == "GET /hello")
    #expect(table.match(.get, "/users/a%2Fb") == "GET /users/:id id=a/b")
    #expect(table.match(.get, "/users/%2F") == "GET /users/:id id=/")
    #expect(table.match(.get, "/users/..%2Fx") == "GET /users/:id id=../x")
    #expect(table.match(.get, "/files/a%2Fb/c%20d") == "GET /files/*path path=a/b/c d")
    #expect(table.match(.get, "/%C3%A9") == "GET /é")
    #expect(table.match(.get, "/users/%252F") == "GET /users/:id id=%2F")
    for invalid in ["/%", "/%1", "/%zz", "/a%00b", "/%2"] { #expect(table.match(.get, invalid) == "invalid") }
  }

  @Test func longPathsAndSegments() throws {
    let long = String(repeating: "abcdefgh", count: 30)
    let segments = (0..<40).map { "s\($0)" }.joined(separator: "/")
    let table = try routes("GET /\(long)\nGET /\(long)x/:id\nGET /\(segments)\nGET /w/*rest")
    #expect(table.match(.get, "/\(long)") == "GET /\(long)")
    #expect(table.match(.get, "/\(long)x/5") == "GET /\(long)x/:id id=5")
    #expect(table.match(.get, "/" + long.dropLast() + "x") == nil)
    #expect(table.match(.get, "/\(segments)/") == "GET /\(segments)")
    let rest = String(repeating: "x/", count: 3000) + "y"
    #expect(table.match(.get, "/w/\(rest)") == "GET /w/*rest rest=\(rest)")
    for length in 56...72 {
      let tail = String(repeating: "t", count: length)
      #expect(table.match(.get, "/w/\(tail)") == "GET /w/*rest rest=\(tail)")
      #expect(table.match(.get, "/w/\(tail)/") == "GET /w/*rest rest=\(tail)")
      #expect(table.match(.get, "/w/\(tail)/u") == "GET /w/*rest rest=\(tail)/u")
    }
  }

  @Test func eachByteOfALiteralCounts() throws {
    for length in [1, 7, 8, 9, 15, 16, 17, 18, 24, 33] {
      let text = Array("abcdefghijklmnopqrstuvwxyz0123456".utf8.prefix(length))
      let table = try routes("GET /\(String(decoding: text, as: UTF8.self))/x")
      for index in text.indices {
        var changed = text
        changed[index] = UInt8(ascii: "_")
        #expect(table.match(.get, "/\(String(decoding: changed, as: UTF8.self))/x") == nil)
      }
      #expect(table.match(.get, "/\(String(decoding: text, as: UTF8.self))/x") != nil)
    }
  }

  @Test func aNodeReachedTwiceIsRefused() throws {
    var file = FileEditor(bytes: try RouteTableBuilder.encode(TestRoutes.parse("GET /a/:x\nGET /b/:y")))
    let node = { (text: String) in
      (1..<file.bytes.count / 64).first { file.load(64 * $0, 8) == UInt64(text.utf8.first ?? 0) }.map {
        $0 * 64
      }
    }
    let (a, b) = (try #require(node("a")), try #require(node("b")))
    let orphan = Int(file.load(b + RouteLayout.Node.parameter, 4))
    file.store(file.load(a + RouteLayout.Node.parameter, 4), b + RouteLayout.Node.parameter, 4)
    file.bytes.replaceSubrange(orphan..<(orphan + 64), with: repeatElement(0, count: 64))
    let memory = TestMemory(file.bytes)
    #expect(throws: ArtifactError.malformed(section: "routes", problem: "a node is reached twice")) {
      try RouteTable(verifying: memory.bytes, moduleCount: 2)
    }
  }

  @Test func manyChildren() throws {
    let text = (0..<3000).map { "GET /function-number-\($0)-of-many" }.joined(separator: "\n")
    let table = try routes(text)
    for index in stride(from: 0, to: 3000, by: 7) {
      #expect(
        table.match(.get, "/function-number-\(index)-of-many") == "GET /function-number-\(index)-of-many")
      #expect(table.match(.get, "/function-number-\(index)-of-more") == nil)
    }
  }

  /// Two alternatives a level and a miss at the end: the worst a set of this size can do.
  @Test func hostileBacktrackingIsBoundedByTheTree() throws {
    var lines: [String] = []
    for bits in 0..<1024 {
      lines.append(
        "GET /" + (0..<10).map { bits >> $0 & 1 == 0 ? "a" : ":p\($0)" }.joined(separator: "/") + "/end")
    }
    let table = try routes(lines.joined(separator: "\n"))
    #expect(table.match(.get, "/" + Array(repeating: "a", count: 10).joined(separator: "/") + "/miss") == nil)
    #expect(table.match(.get, "/b/a/b/a/b/a/b/a/b/a/end") != nil)
  }

  /// Beyond this Swift takes the stack of choices from the heap.
  @Test func choicesFitTheStack() {
    #expect(MemoryLayout<RouteWalk.Choice>.stride * Limits.patternSegmentsMax <= 1024)
  }

  @Test func limitsAndDuplicates() throws {
    #expect(throws: ArtifactError.self) { try routes("GET /a\nGET /a") }
    #expect(throws: ArtifactError.self) { try routes("GET /a/:x\nGET /a/:y") }
    #expect(throws: ArtifactError.self) { try routes("ANY /a\nANY /a/") }
    #expect(throws: ArtifactError.self) { try routes("GET a") }
    let names = (0..<33).map { ":p\($0)" }.joined(separator: "/")
    #expect(throws: ArtifactError.self) { try routes("GET /\(names)") }
    let most = (0..<32).map { ":p\($0)" }.joined(separator: "/")
    #expect(
      try routes("GET /\(most)").match(.get, "/" + Array(repeating: "v", count: 32).joined(separator: "/"))
        != nil)
    let deep = Array(repeating: "s", count: 64).joined(separator: "/")
    #expect(try routes("GET /\(deep)\nGET /:x/*rest").match(.get, "/\(deep)") == "GET /\(deep)")
    #expect(throws: ArtifactError.self) { try routes("GET /\(deep)/s") }
  }

  @Test func sameRoutesInAnyOrderGiveTheSameBytes() throws {
    let routes = (0..<200).map {
      ArtifactContents.Route(methods: RouteMethods(.get), pattern: "/r\($0)/:id/x\($0 % 7)", module: $0)
    }
    let bytes = try RouteTableBuilder.encode(routes)
    for _ in 0..<3 { #expect(try RouteTableBuilder.encode(routes.shuffled()) == bytes) }
  }
}
