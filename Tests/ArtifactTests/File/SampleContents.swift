// Contents that use every part of the format.

@testable import SpacerArtifact

enum Sample {
  static let reader = ReaderIdentity(luaRelease: "Lua 5.4.4", architecture: "x86_64")

  static func contents() -> ArtifactContents {
    ArtifactContents(
      appName: "sample", spacerRelease: "0.1.0", luaRelease: "Lua 5.4.4", architecture: "x86_64",
      isRelease: true, environment: "production",
      modules: [
        .init(
          name: "users/get", path: "app/users/get.lua", kind: .function, bytecode: Array("users".utf8),
          contentHash: 1, requires: [3, 1], builtins: ["cjson", "flow"], appends: ["signups"],
          calls: ["private/audit"]),
        .init(
          name: "helper", path: "lib/helper.lua", kind: .library, bytecode: [UInt8](0...40), contentHash: 2),
        .init(
          name: "private/audit", path: "app/private/audit.lua", kind: .privateFunction, bytecode: [],
          contentHash: .max),
        .init(
          name: "a/b", path: "lib/a/b.lua", kind: .library, bytecode: [9], contentHash: 4, requires: [1]),
        .init(
          name: "helper", path: "app/helper.lua", kind: .function, bytecode: [8, 8], contentHash: 5),
      ],
      routes: [
        .init(methods: RouteMethods(.get), pattern: "/users/:id", module: 0, line: 3),
        .init(methods: .any, pattern: "/files/:name.json", module: 4),
        .init(methods: RouteMethods(.post), pattern: "/", module: 4, line: 7),
        .init(methods: RouteMethods(.get), pattern: "/docs/*page", module: 0, line: 8),
        .init(methods: RouteMethods(.get), pattern: "/a-literal-longer-than-16-bytes", module: 0, line: 9),
      ],
      topics: ["signups", "Logins"],
      triggers: [
        .init(topic: 0, event: "APPEND", module: 4), .init(topic: 1, event: "APPEND", module: 0),
        .init(topic: 0, event: "APPEND", module: 2),
      ],
      environmentVariables: ["TOKEN", "HOME"],
      settings: [
        .init(key: "limits.wallMilliseconds", value: .integer(-5)), .init(key: "tls", value: .boolean(true)),
        .init(key: "ratio", value: .float(0.5)), .init(key: "limits.x", value: .string("${NAME:-é}\u{0}z")),
        .init(key: "quiet", value: .boolean(false)),
      ])
  }
}

extension Sample {
  /// The same with what a file may lack; `contents` stays as the frozen artifact has it.
  static func fullContents() -> ArtifactContents {
    var result = contents()
    result.modules[0].validations = [
      .init(line: 3, description: #"{"fields":{"id":"integer"},"type":"object"}"#),
      .init(line: 9, description: #"{"fields":{},"type":"object"}"#),
    ]
    result.hasCapabilities = true
    result.modules[0].capabilities = [
      .init(.topic, "signups"), .init(.http, "https://b.example"), .init(.http, nil),
      .init(.http, "https://a.example"), .init(.function, "private/audit"), .init(.topic, "signups"),
    ]
    result.modules[3].capabilities = [.init(.optionalVariable, "TOKEN"), .init(.module, nil)]
    result.modules[3].validations = [.init(line: 1, description: #"{"fields":{},"type":"object"}"#)]
    return result
  }
}

extension Sample {
  static let publicKey = [UInt8](0..<32)
  /// SHA-256 of that key's SubjectPublicKeyInfo, by sha256sum.
  static let fingerprint =
    "SHA256:9408457aefd071cec127c1f98539930861ad1ba94c940db975c972c09fc68b68"

  /// The artifact with a signature section whose signature is no real one.
  static func signed(_ bytes: [UInt8]) throws(ArtifactError) -> [UInt8] {
    let memory = TestMemory(bytes)
    defer { withExtendedLifetime(memory) {} }
    var signed = try ArtifactSignature.prepare(memory.bytes, publicKey: publicKey)
    try ArtifactSignature.seal(&signed, signature: [UInt8](100..<164))
    return signed
  }
}

/// An image together with its memory.
struct TestImage {
  let memory: TestMemory
  let image: ArtifactImage

  init(_ bytes: [UInt8], reader: ReaderIdentity? = Sample.reader) throws(ArtifactError) {
    memory = TestMemory(bytes)
    image = try ArtifactImage(verifying: memory.bytes, reader: reader)
  }
}

/// Bytes of a file with one section's content edited and all checksums made good again.
struct FileEditor {
  var bytes: [UInt8]

  func load(_ offset: Int, _ count: Int) -> UInt64 {
    bytes[offset..<(offset + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func store(_ value: UInt64, _ offset: Int, _ count: Int) {
    for index in 0..<count { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
  }

  var sections: [(position: Int, kind: UInt32, range: Range<Int>)] {
    (0..<Int(clamping: load(ArtifactLayout.Header.sectionCount, 4))).map { index in
      let position = ArtifactLayout.Header.size + index * ArtifactLayout.Section.size
      let offset = Int(clamping: load(position + ArtifactLayout.Section.offset, 8))
      let length = Int(clamping: load(position + ArtifactLayout.Section.length, 8))
      // An edited table can say anything.
      let isInside = offset <= bytes.count && length <= bytes.count - offset
      return (position, UInt32(load(position, 4)), isInside ? offset..<(offset + length) : 0..<0)
    }
  }

  func range(_ kind: SectionKind) -> Range<Int> {
    sections.first { $0.kind == kind.rawValue }?.range ?? 0..<0
  }

  mutating func fixChecksums() {
    for section in sections {
      store(Checksum.of(bytes[section.range]), section.position + ArtifactLayout.Section.checksum, 8)
    }
    fixFileChecksum()
  }

  mutating func fixFileChecksum() {
    store(Checksum.of(bytes[ArtifactLayout.Header.checksummed...]), ArtifactLayout.Header.checksum, 8)
  }
}
