// Text that is no YAML, or YAML that is meant to harm.

import SpacerArtifact
import Testing

@testable import SpacerCompiler

struct YAMLSyntaxTests {
  @Test(arguments: [
    ("limits:\n\tcalls: 5\n", "4:1 config-syntax a tab cannot indent YAML"),
    ("topics:\n - a\n- b\n", "5:1 config-syntax"),
    ("limits:\n  calls: 5\n bodyBytes: 6\n", "5:2 config-syntax"),
    ("topics: [a, b\nenvVar: [c]\n", "4:7 config-syntax"),
    ("topics: {a: b\n", "4:1 config-syntax"),
    ("writeProxyToken: \"abc\n", "4:1 config-syntax"),
    ("writeProxyToken: 'abc\n", "4:1 config-syntax"),
    ("writeProxyToken: @abc\n", "3:18 config-syntax a value cannot begin with '@'"),
    ("writeProxyToken: `abc\n", "3:18 config-syntax a value cannot begin with '`'"),
    ("writeProxyToken: \"\\q\"\n", "3:19 config-syntax"),
    ("consumerGroup: a: b\n", "3:17 config-syntax"),
    (
      "consumerGroup\ntopics: [a]\n",
      "4:1 config-syntax the file is not valid YAML: could not find expected ':'"
    ),
    ("include: [*.lua]\n", "3:11 config-syntax '*' begins an alias, and '.lua' is no alias's name"),
    ("topics: *nothing\n", "3:9 config-syntax no anchor '&nothing' comes before this alias"),
    ("topics: &a [*a]\n", "3:13 config-syntax no anchor '&a' comes before this alias"),
    ("topics: *b\nenvVar: &b [X]\n", "3:9 config-syntax no anchor '&b' comes before this alias"),
    ("topics: !!set {a}\n", "3:9 config-syntax tags are not used here"),
    ("? [a, b]\n: c\n", "3:3 config-syntax a key must be text"),
    ("? {a: b}\n: c\n", "3:3 config-syntax a key must be text"),
    ("<<: x\n", "3:1 config-syntax '<<' merges a mapping: write '<<: *NAME'"),
    ("---\nspacerVersion: 1\nappName: b\n", "3:1 config-syntax the file holds more than one document"),
    ("...\n---\nx: y\n", "4:1 config-syntax the file holds more than one document"),
    ("topics: [a]\ntopics: [b]\n", "4:1 config-syntax the key 'topics' is written twice"),
    ("limits:\n  calls: 1\n  \"calls\": 2\n", "5:4 config-syntax the key 'calls' is written twice"),
    ("limits: {calls: 1, calls: 2}\n", "3:10 config-syntax the key 'calls' is written twice"),
    ("%YAML 3.0\n", "3:1 config-syntax"),
    ("a\u{7}b: c\n", "3:2 config-syntax YAML text cannot hold the character U+0007"),
    ("a\u{0}b: c\n", "3:2 config-syntax YAML text cannot hold the character U+0000"),
  ])
  func malformed(_ yaml: String, _ prefix: String) {
    let found = summaries(minimal + yaml)
    #expect(found.count == 1 && found.first?.hasPrefix(prefix) == true, "\(found)")
    #expect(readConfig(minimal + yaml).config == nil)
  }

  @Test func notUTF8() {
    #expect(
      summaries(Array(minimal.utf8) + [0x61, 0xFF]) == ["3:2 config-syntax the file is not valid UTF-8"])
    #expect(summaries([0xFF, 0xFE, 0x61, 0x00]) == ["1:1 config-syntax the file is UTF-16"])
    #expect(summaries([0xED, 0xA0, 0x80]) == ["1:1 config-syntax the file is not valid UTF-8"])
  }

  @Test func textWithStarsStaysAsItIs() {
    let (config, diagnostics) = readConfig(
      minimal + """
        # a comment with *stars [* and 'quotes *x
        include: ["*", '*/a', "a \\x2A*b", plugins/*, "[*x"]
        writeProxyToken: |
          see *this and
          *that
        consumerGroup: "\u{E02A} *a"
        """)
    #expect(diagnostics.isEmpty)
    #expect(config?.include.map(\.value) == ["*", "*/a", "a **b", "plugins/*", "[*x"])
    #expect(
      config?.settings.map { "\($0.value)" } == [
        "string(\"\u{E02A} *a\")", "string(\"see *this and\\n*that\\n\")",
      ])
  }

  @Test func aliasesCannotExplode() {
    var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...30 {
      let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      bomb += "a\(level): &a\(level) [\(items)]\n"
    }
    #expect(summaries(bomb).first?.contains("expands to more than 20000 values") == true)
    // In keys too, where the parser itself would compare what they expand to.
    var keys = "a0: &a0 [x, x]\n"
    for level in 1...60 { keys += "a\(level): &a\(level) {? [*a\(level - 1), *a\(level - 1)] : 1}\n" }
    #expect(summaries(keys).count == 1)
  }

  @Test(arguments: [16, 17, 500, 1100, 30_000])
  func deepNesting(_ depth: Int) {
    let flow = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    let block = (0..<depth).map { String(repeating: " ", count: min($0, 300)) + "a:\n" }.joined()
    let compact = String(repeating: "- ", count: depth) + "a"
    let keys = String(repeating: "? ", count: depth) + "a"
    let unclosed = String(repeating: "{a: ", count: depth)
    for text in [flow, "topics: \(flow)", compact, keys, unclosed] + (depth > 1000 ? [] : [block]) {
      #expect(!summaries(text).isEmpty)
    }
    if depth > 16 { #expect(summaries(flow).first?.contains("nested deeper than 16 levels") == true) }
  }

  @Test func tooLarge() {
    let text = minimal + "# " + String(repeating: "x", count: 300_000)
    #expect(summaries(text) == ["config-syntax the file is larger than 256 KiB"])
  }

  @Test func mutatedFilesNeverCrash() {
    let seed = Array(
      (minimal + """
        topics: &t [orders, "users"]
        events: {orders: {APPEND: [f]}}
        logStorage:
          production: &p
            driver: postgres
            connString: ${DB:-'x'}
          test:
            <<: *p
        limits: {bodyBytes: 1MiB, calls: 5}
        listen: "[::1]:80"
        """).utf8)
    let pieces = [
      "*t", "&t ", "<<: ", "[", "]", "{", "}", "\t", "\n", "- ", "? ", ": ", "'", "\"", "|", "!!int ",
      "\u{85}", "--- ",
    ]
    fuzz("configuration") { random in
      var bytes = seed
      for _ in 0...(random.next() % 4) {
        let at = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 4 {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int(random.next() % 9)))
        case 2:
          bytes.insert(contentsOf: Array(pieces[Int(random.next() % UInt64(pieces.count))].utf8), at: at)
        default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 20)], at: at)
        }
        if bytes.isEmpty { bytes = [0x61] }
      }
      let (config, diagnostics) = ConfigReader.read(path: "c", bytes: bytes)
      #expect(config != nil || !diagnostics.isEmpty)
      for diagnostic in diagnostics {
        #expect(Int(diagnostic.location.range?.start ?? 0) <= bytes.count)
      }
    }
  }
}
