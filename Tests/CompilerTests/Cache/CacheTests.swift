import Foundation
import SpacerArtifact
import Testing

@testable import SpacerCompiler

@Suite struct CacheTests {
  static let origin = CachePack.Origin(
    spacerRelease: "1", luaRelease: "Lua 5.4.4", architecture: "x86_64", isRelease: false)

  static func fullFacts() -> ModuleFacts {
    var facts = ModuleFacts()
    func reference(_ name: String, _ start: Int) -> ModuleFacts.Reference {
      .init(name: name, range: SourceRange(start: start, end: start + 3), isGuarded: start % 2 == 0)
    }
    facts.requires = [.init(reference: reference("a", 1), isLoadTime: true)]
    facts.dynamicRequires = [SourceRange(start: 7, end: 300)]
    facts.appends = [reference("b", 2)]
    facts.calls = [reference("c", 3), reference("", 4)]
    facts.getenvs = [reference("d", 5)]
    facts.globalReads = [reference("ä", 6)]
    facts.globalWrites = [reference("f", 70_000)]
    facts.unreturnedFunction = reference("handler", 80)
    facts.returnShape = .nothing
    facts.returnRange = SourceRange(start: 8, end: 9)
    facts.ignores = [.init(line: 3, id: "unused-local", range: SourceRange(start: 1, end: 2))]
    facts.diagnostics = [
      Diagnostic(
        .unusedLocal, .warning, "m", at: SourceLocation(path: "p", range: SourceRange(start: 1, end: 2)),
        notes: [.init("n", at: SourceLocation(path: "q")), .init("o")], hint: "h",
        fix: .init(range: SourceRange(start: 0, end: 0), replacement: "r")),
      Diagnostic(.syntaxError, .error, "", at: SourceLocation(path: "")),
    ]
    facts.validations = [.init(line: 9, description: "{\"type\":\"object\"}")]
    facts.unknownTypes = [reference("strnig", 90)]
    facts.capabilities = [.init(.http, nil), .init(.topic, "orders")]
    return facts
  }

  static func pack() -> CachePack {
    var pack = CachePack()
    pack.records["app/a.lua"] = ModuleRecord(
      fingerprint: FileFingerprint(
        sizeBytes: 1, modifiedNanoseconds: -2, changedNanoseconds: 3, inode: .max, device: 4),
      digest: ContentDigest(path: "app/a.lua", content: [1]), facts: fullFacts(), bytecode: [1, 2, 3])
    pack.records["lib/b.lua"] = ModuleRecord(
      fingerprint: nil, digest: ContentDigest(path: "lib/b.lua", content: []), facts: ModuleFacts(),
      bytecode: [])
    return pack
  }

  @Test func packsComeBackWhole() {
    let pack = Self.pack()
    #expect(CachePack(pack.encoded(Self.origin), origin: Self.origin) == pack)
  }

  /// A field added to these types must be added to the cache's coder, and to `fullFacts`.
  @Test func everyFieldIsKept() {
    #expect(Mirror(reflecting: Self.fullFacts()).children.count == 15)
    let diagnostic = Self.fullFacts().diagnostics[0]
    #expect(Mirror(reflecting: diagnostic).children.count == 7)
    #expect(Mirror(reflecting: Self.fullFacts().requires[0]).children.count == 2)
    #expect(Mirror(reflecting: Self.fullFacts().calls[0]).children.count == 3)
    #expect(Mirror(reflecting: Self.fullFacts().ignores[0]).children.count == 3)
    #expect(Mirror(reflecting: Self.fullFacts().validations[0]).children.count == 2)
    #expect(Mirror(reflecting: Self.pack().records["lib/b.lua"] as Any).children.count == 1)
  }

  @Test func packsOfAnotherOriginAreRefused() {
    let bytes = Self.pack().encoded(Self.origin)
    var other = Self.origin
    other.isRelease = true
    #expect(CachePack(bytes, origin: other) == nil)
    other = Self.origin
    other.luaRelease = "Lua 5.4.6"
    #expect(CachePack(bytes, origin: other) == nil)
  }

  @Test func damagedPacksNeverTrap() {
    let bytes = Self.pack().encoded(Self.origin)
    for count in bytes.indices { #expect(CachePack(Array(bytes[..<count]), origin: Self.origin) == nil) }
    var generator = SystemRandomNumberGenerator()
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] = UInt8.random(in: 0...255, using: &generator)
      _ = CachePack(damaged, origin: Self.origin)
    }
  }

  @Test func digestsSeparatePathAndContent() {
    let a = ContentDigest(path: "a", content: Array("bc".utf8))
    #expect(a != ContentDigest(path: "ab", content: Array("c".utf8)))
    #expect(a == ContentDigest(path: "a", content: Array("bc".utf8)))
    // SHA-256 of "a\0bc".
    #expect(a.bytes.prefix(4).map { String($0, radix: 16) } == ["40", "bb", "54", "7d"])
  }

  @Test func codesAreHMAC() throws {
    // RFC 4231 has keys of other lengths; this value is from an independent implementation.
    let key = try #require(CacheKey([UInt8](0..<32)))
    let code = key.code(of: Array("message".utf8)[...])
    #expect(key.verifies(code[...], of: Array("message".utf8)[...]))
    #expect(!key.verifies(code[...], of: Array("massage".utf8)[...]))
    #expect(!key.verifies(code.dropLast(), of: Array("message".utf8)[...]))
    #expect(code.prefix(4).map { String($0, radix: 16) } == ["62", "97", "b7", "75"])
  }
}

/// With a folder of its own each.
@Suite struct DiskCacheTests {
  func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/spacer-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  func cache(_ folder: String, state: String = "state") throws -> DiskCache {
    try #require(DiskCache(project: folder + "/project", stateFolder: folder + "/" + state))
  }

  @Test func whatWasStoredComesBack() throws {
    try withFolder { folder in
      #expect(try cache(folder).load("modules") == nil)
      try cache(folder).store("modules", [1, 2, 3])
      #expect(try cache(folder).load("modules") == [1, 2, 3])
      try cache(folder).store("modules", [])
      #expect(try cache(folder).load("modules") == [])
      let left = try FileManager.default.contentsOfDirectory(atPath: folder + "/project/.spacer/cache")
      #expect(left == ["modules"])
    }
  }

  @Test func anotherUsersCacheIsNotBelieved() throws {
    try withFolder { folder in
      try cache(folder).store("modules", [1, 2, 3])
      #expect(try cache(folder, state: "other").load("modules") == nil)
    }
  }

  @Test func damageIsNotBelieved() throws {
    try withFolder { folder in
      try cache(folder).store("modules", Array(repeating: 7, count: 100))
      let path = folder + "/project/.spacer/cache/modules"
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      for index in stride(from: 0, to: bytes.count, by: 5) {
        var damaged = bytes
        damaged[index] ^= 1
        try damaged.write(to: URL(fileURLWithPath: path))
        #expect(try cache(folder).load("modules") == nil)
      }
      try bytes.prefix(10).write(to: URL(fileURLWithPath: path))
      #expect(try cache(folder).load("modules") == nil)
    }
  }

  @Test func aKeyThatOthersCanReadIsNoKey() throws {
    try withFolder { folder in
      try cache(folder).store("modules", [1])
      let key = folder + "/state/" + CacheKeyFile.name
      let attributes = try FileManager.default.attributesOfItem(atPath: key)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
      #expect(DiskCache(project: folder, stateFolder: folder + "/state") == nil)
    }
  }

  @Test func withoutAPlaceForTheKeyNothingIsCached() throws {
    try withFolder { folder in
      try Data().write(to: URL(fileURLWithPath: folder + "/file"))
      #expect(DiskCache(project: folder, stateFolder: folder + "/file/state") == nil)
    }
  }

  @Test func editsOfTheSameSizeAreSeen() throws {
    try withFolder { folder in
      let root = folder + "/project"
      for (path, bytes) in project().contents {
        let file = URL(fileURLWithPath: root + "/" + path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
      }
      func build() throws -> BuildResult {
        Compiler.build(files: DiskFiles(root: root), cache: try cache(folder))
      }
      let first = try build()
      #expect(first.statistics.modulesCompiled == 2)
      #expect(try build().statistics.modulesCompiled == 0)
      let file = root + "/app/hello.lua"
      let date = try FileManager.default.attributesOfItem(atPath: file)[.modificationDate]
      try Data("return function (args) return \"hallo\" end\n".utf8).write(to: URL(fileURLWithPath: file))
      try FileManager.default.setAttributes([.modificationDate: date as Any], ofItemAtPath: file)
      let third = try build()
      #expect(third.statistics.modulesCompiled == 1)
      #expect(third.artifact != first.artifact)
    }
  }
}
