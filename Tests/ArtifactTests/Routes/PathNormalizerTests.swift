// Normal form: by example, and against a slow definition on generated paths.

import Testing

@testable import SpacerArtifact

@Suite struct PathNormalizerTests {
  private func normalize(_ path: [UInt8]) -> [UInt8]? {
    var bytes = path
    var span = bytes.mutableSpan
    guard let length = PathNormalizer.normalize(&span) else { return nil }
    return Array(bytes[..<length])
  }

  @Test(arguments: [
    ("/", "/"), ("//", "/"), ("/a", "/a"), ("/a/", "/a/"), ("/a//b", "/a/b"), ("/./a", "/a"), ("/a/.", "/a/"),
    ("/a/..", "/"), ("/a/../", "/"), ("/..", "/"), ("/../../a", "/a"), ("/a/b/../c", "/a/c"),
    ("/a/b/../../../c", "/c"), ("/%2e/a", "/a"), ("/a/%2E%2e/b", "/b"), ("/a/.%2e/b", "/b"), ("/...", "/..."),
    ("/.a", "/.a"), ("/a%20b", "/a b"), ("/%25", "/%"), ("/a%2Fb", "/a\u{0}b"), ("/..%2F", "/..\u{0}"),
    ("/a//..//b", "/b"),
  ])
  func normal(_ path: String, _ expected: String) {
    #expect(normalize(Array(path.utf8)) == Array(expected.utf8))
  }

  @Test func invalid() {
    for path in ["", "a", "*", "/%", "/%4", "/%4g", "/%g4", "/%00", "/a\u{0}", "/%%41"] {
      #expect(normalize(Array(path.utf8)) == nil)
    }
  }

  @Test func generatedPaths() throws {
    var fuzz = Fuzz("normalizer")
    let pieces = [
      "/", "/", "/", ".", "..", "%2e", "%2F", "%41", "%", "%0", "a", "bc", "a-long-segment-of-text", "%00",
      "é",
    ]
    while fuzz.goesOn() {
      for _ in 0..<200 {
        var path: [UInt8] = Int.random(in: 0..<50, using: &fuzz.random) == 0 ? [] : [0x2F]
        for _ in 0..<Int.random(in: 0..<20, using: &fuzz.random) {
          path += Array((pieces.randomElement(using: &fuzz.random) ?? "/").utf8)
        }
        let expected = Self.reference(path)
        let result = normalize(path)
        try #require(result == expected, "\(String(decoding: path, as: UTF8.self)) seed \(fuzz.seed)")
        if !PathNormalizer.needsNormalization(path.span) { try #require(expected == path) }
        let isSimple =
          path.first == 0x2F && !path.contains(0x25)
          && !zip(path, path.dropFirst()).contains { $0 == 0x2F && ($1 == 0x2F || $1 == 0x2E) }
        try #require(PathNormalizer.needsNormalization(path.span) == !isSimple)
      }
    }
  }

  /// Splits, decodes, resolves, joins.
  private static func reference(_ path: [UInt8]) -> [UInt8]? {
    guard path.first == 0x2F else { return nil }
    var stack: [[UInt8]] = []
    let raw = path.split(separator: 0x2F, omittingEmptySubsequences: false).dropFirst()
    var endsWithSlash = false
    for segment in raw {
      guard let decoded = decode(Array(segment)) else { return nil }
      endsWithSlash = true
      switch decoded {
      case [], [0x2E]: break
      case [0x2E, 0x2E]: _ = stack.popLast()
      default:
        stack.append(decoded)
        endsWithSlash = false
      }
    }
    let joined = stack.reduce(into: [UInt8]()) { $0 += [0x2F] + $1 }
    return joined + (endsWithSlash || joined.isEmpty ? [0x2F] : [])
  }

  private static func decode(_ bytes: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x25 {
        guard index + 2 < bytes.count,
          let value = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16),
          value != 0,
          bytes[index + 1] != 0x2B
        else { return nil }
        result.append(value == 0x2F ? 0 : value)
        index += 3
      } else {
        if bytes[index] == 0 { return nil }
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }
}
