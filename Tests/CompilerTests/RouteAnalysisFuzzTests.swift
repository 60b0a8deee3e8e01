// Generated route sets: the compiler's tree and the artifact's table agree on every request, and what the
// analysis says of reachability holds for every short path there is.

import Glibc
import SpacerArtifact
import Testing

@testable import SpacerCompiler

@Suite struct RouteAnalysisFuzzTests {
  private struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state ^ state >> 31) &* 0x9E37_79B9_7F4A_7C15
    }
  }

  @Test func agreesWithTheTable() throws {
    let seed = UInt64.random(in: 0...(.max))
    print("fuzz route analysis: seed \(seed)")
    var random = Random(state: seed)
    let seconds = getenv("SPACER_FUZZ_SECONDS").flatMap { Double(String(cString: $0)) } ?? 2
    let deadline = ContinuousClock.now + .seconds(seconds)
    // Enough to tell every kind of segment apart, one segment longer than the longest pattern.
    let paths = Self.paths(["a", "b", "x", "x.j"], depth: 4)
    while ContinuousClock.now < deadline {
      let given = Self.routes(&random)
      let findings = RouteAnalysis(given).findings
      let excluded = Set(findings.filter { !Self.isUnreachable($0) }.map(\.route))
      let unreachable = Set(findings.map(\.route)).subtracting(excluded)
      let kept = given.indices.filter { !excluded.contains($0) }
      let bytes = try RouteTableBuilder.encode(
        kept.map {
          ArtifactContents.Route(methods: given[$0].methods, pattern: given[$0].pattern, module: $0)
        })
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
      defer { memory.deallocate() }
      memory.copyBytes(from: bytes)
      let table = try RouteTable(verifying: UnsafeRawBufferPointer(memory), moduleCount: given.count)
      let forest = RouteForest(given)
      var parameters = RouteParameters()
      var reached: Set<Int> = []
      for path in paths {
        for method in RouteMethod.allCases {
          let match = forest.match(method, path)
          let index = table.match(method, path: path.span, parameters: &parameters)
          let context = "\(given) \(method) \(String(decoding: path, as: UTF8.self)) seed \(seed)"
          try #require(match?.route == index.map { table.route($0).module }, "\(context)")
          if let match { reached.insert(match.route) }
        }
        try #require(forest.allowedMethods(path) == table.allowedMethods(path: path.span))
      }
      try #require(reached.isDisjoint(with: unreachable), "\(given) \(unreachable) seed \(seed)")
      try #require(reached.union(unreachable).isSuperset(of: kept), "\(given) \(unreachable) seed \(seed)")
      for case .unreachable(let route, let by, let witness) in findings {
        let methods = RouteMethod.allCases.filter { given[route].methods.contains(RouteMethods($0)) }
        let taker = methods.first.flatMap { forest.match($0, Array(witness.utf8)) }?.route
        try #require(taker == by.first)
      }
    }
  }

  private static func isUnreachable(_ finding: RouteAnalysis.Finding) -> Bool {
    if case .unreachable = finding { true } else { false }
  }

  private static func routes(_ random: inout Random) -> [RouteAnalysis.Route] {
    (0..<Int.random(in: 1...10, using: &random)).map { _ in
      let depth = Int.random(in: 0...3, using: &random)
      var pattern = ""
      for level in 0..<depth {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<2: pattern += Bool.random(using: &random) ? "/a" : "/b"
        case 2..<7: pattern += "/:p\(level)"
        case 7: pattern += "/:p\(level).j"
        default: pattern += level == depth - 1 ? "/*rest" : "/:p\(level)"
        }
      }
      let methods: RouteMethods = Int.random(in: 0..<3, using: &random) == 0 ? .any : RouteMethods(.get)
      return RouteAnalysis.Route(methods: methods, pattern: pattern.isEmpty ? "/" : pattern)
    }
  }

  /// Every path of up to `depth` segments.
  private static func paths(_ segments: [String], depth: Int) -> [[UInt8]] {
    var result: [String] = [""]
    var level = [""]
    for _ in 0..<depth {
      level = level.flatMap { prefix in segments.map { "\(prefix)/\($0)" } }
      result += level
    }
    // One deeper path is enough to reach a wildcard behind parameters.
    result.append("/x/x/x/x")
    return result.map { Array(($0.isEmpty ? "/" : $0).utf8) }
  }
}
