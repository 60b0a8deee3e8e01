// Generated route sets and paths: the table and the reference matcher must agree on each. The alphabet is
// small, so that routes overlap, share prefixes and force backtracking.

import Testing

@testable import SpacerArtifact

@Suite struct RouteFuzzTests {
  @Test func agreesWithReference() throws {
    var fuzz = Fuzz("routes")
    while fuzz.goesOn() {
      let routes = Self.routes(&fuzz.random)
      let built = try TestRoutes(routes)
      defer { withExtendedLifetime(built) {} }
      let order = RouteTableBuilder.sorted(routes)
      let reference = ReferenceMatcher(
        routes: try order.enumerated().map {
          .init(index: $0, methods: $1.methods, pattern: try RoutePattern(parsing: $1.pattern))
        })
      var parameters = RouteParameters()
      for _ in 0..<60 {
        let path = Self.path(order, &fuzz.random)
        let method = RouteMethod.allCases[Int.random(in: 0..<8, using: &fuzz.random)]
        let route = built.table.match(method, path: path.span, parameters: &parameters)
        let found = route.map {
          ReferenceMatcher.Match(route: $0, parameters: (0..<parameters.count).map { parameters[$0] })
        }
        let context = {
          "\(order.map { "\($0.methods.text) \($0.pattern)" }) \(method) \(String(decoding: path, as: UTF8.self))"
        }
        try #require(found == reference.match(method, path), "\(context()) seed \(fuzz.seed)")
        try #require(
          built.table.allowedMethods(path: path.span) == reference.allowed(path),
          "\(context()) seed \(fuzz.seed)")
      }
    }
  }

  private static let texts = [
    "a", "b", "ab", "users", "user", "x.json", "collaborators", "a-segment-longer-than-16",
    "seventeen-bytes-1",
    "seventeen_bytes-1", "é", "12345678", "123456789", "1234567890123456",
  ]
  private static let suffixes = [".json", ".min.json", "-x", ".a-suffix-longer-than-16", "."]

  private static func routes(_ random: inout FuzzRandom) -> [ArtifactContents.Route] {
    var routes: [ArtifactContents.Route] = []
    let tree = RouteTree()
    // Few texts in a set make its routes overlap; many make its nodes wide.
    let texts = Array(
      Self.texts.shuffled(using: &random).prefix(Int.random(in: 1...texts.count, using: &random)))
    for index in 0..<Int.random(in: 1...24, using: &random) {
      var pattern = ""
      let depth = Int.random(in: 0...5, using: &random)
      for level in 0..<depth {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5: pattern += "/" + (texts.randomElement(using: &random) ?? "a")
        case 5..<8: pattern += "/:p\(level)"
        case 8: pattern += "/:p\(level)" + (suffixes.randomElement(using: &random) ?? "")
        default: pattern += level == depth - 1 ? "/*rest" : "/:q\(level)"
        }
      }
      if pattern.isEmpty { pattern = "/" }
      let methods =
        Int.random(in: 0..<4, using: &random) == 0
        ? RouteMethods.any
        : RouteMethods(RouteMethod.allCases[Int.random(in: 0..<7, using: &random)])
      guard let parsed = try? RoutePattern(parsing: pattern),
        tree.node(for: parsed).add(route: index, methods: methods) == nil
      else { continue }
      routes.append(.init(methods: methods, pattern: pattern, module: index))
    }
    return routes
  }

  private static func path(_ routes: [ArtifactContents.Route], _ random: inout FuzzRandom) -> [UInt8] {
    var path: [UInt8] = []
    let pattern = routes.randomElement(using: &random)?.pattern ?? "/"
    for segment in pattern.split(separator: "/") where Int.random(in: 0..<15, using: &random) != 0 {
      path.append(UInt8(ascii: "/"))
      let text = texts.randomElement(using: &random) ?? "a"
      if segment.first == ":" {
        let suffix = segment.drop { $0 == ":" || $0.isLetter || $0.isNumber }
        path += Int.random(in: 0..<8, using: &random) == 0 ? [] : Array(text.utf8)
        path +=
          Int.random(in: 0..<6, using: &random) == 0
          ? Array((suffixes.randomElement(using: &random) ?? "").utf8) : Array(suffix.utf8)
      } else if segment.first == "*" {
        path += Array("\(text)/\(texts.randomElement(using: &random) ?? "b")".utf8)
      } else {
        path += Int.random(in: 0..<10, using: &random) == 0 ? Array(text.utf8) : Array(segment.utf8)
      }
    }
    switch Int.random(in: 0..<12, using: &random) {
    case 0, 1: path.append(UInt8(ascii: "/"))
    case 2: path += Array("/\(texts.randomElement(using: &random) ?? "")".utf8)
    case 3: path += Array("/\(String(repeating: "long", count: Int.random(in: 1...40, using: &random)))".utf8)
    default: break
    }
    // Normal form has no empty segment.
    var result: [UInt8] = []
    for byte in path.isEmpty ? [UInt8(ascii: "/")] : path
    where !(byte == UInt8(ascii: "/") && result.last == UInt8(ascii: "/")) {
      result.append(byte)
    }
    return result
  }
}
