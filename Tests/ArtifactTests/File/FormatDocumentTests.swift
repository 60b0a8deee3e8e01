// docs/artifact-format.md is the specification: its tables are compared with the code, and a reader written
// from it alone reads what the writer writes.

import Foundation
import Testing

@testable import SpacerArtifact

@Suite struct FormatDocumentTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private struct Record: Equatable {
    var size: Int
    var fields: [String: Int]
    /// Where the last field ends.
    var end: Int?
  }

  /// Records as the document states them, after checking that a record's fields follow each other.
  private func documented() throws -> [String: Record] {
    let text = try String(contentsOf: Self.root.appending(path: "docs/artifact-format.md"), encoding: .utf8)
    var records: [String: Record] = [:]
    var name: String?
    var end = 0
    for line in text.split(separator: "\n") {
      if line.hasPrefix("#") {
        name = nil
        let parts = line.drop { $0 == "#" || $0 == " " }.components(separatedBy: ": ")
        guard parts.count == 2, let size = Int(parts[1].replacing(" bytes", with: "")) else { continue }
        name = parts[0]
        end = 0
        records[parts[0]] = Record(size: size, fields: [:])
      }
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard let name, cells.count >= 3, let offset = Int(cells[0]), let size = Int(cells[1]) else { continue }
      #expect(offset == end, "\(name).\(cells[2])")
      end = offset + size
      records[name]?.fields[cells[2]] = offset
      records[name]?.end = end
    }
    for (name, record) in records {
      #expect(record.end == record.size, "\(name)")
      records[name]?.end = nil
    }
    return records
  }

  @Test func tablesAgreeWithTheCode() throws {
    typealias A = ArtifactLayout
    typealias R = RouteLayout
    let expected: [String: Record] = [
      "Header": Record(
        size: A.Header.size,
        fields: [
          "magic": 0, "checksum": A.Header.checksum, "formatVersion": A.Header.formatVersion,
          "readerVersionMin": A.Header.readerVersionMin, "fileBytes": A.Header.fileBytes,
          "sectionCount": A.Header.sectionCount, "reserved": A.Header.reserved,
        ]),
      "Section": Record(
        size: A.Section.size,
        fields: [
          "kind": A.Section.kind, "reserved": A.Section.reserved, "offset": A.Section.offset,
          "length": A.Section.length, "checksum": A.Section.checksum,
        ]),
      "Manifest": Record(
        size: A.Manifest.size,
        fields: [
          "appName": A.Manifest.appName, "spacerRelease": A.Manifest.spacerRelease,
          "luaRelease": A.Manifest.luaRelease, "architecture": A.Manifest.architecture,
          "environment": A.Manifest.environment, "flags": A.Manifest.flags,
          "functionCount": A.Manifest.functionCount, "reserved": A.Manifest.reserved,
        ]),
      "Module": Record(
        size: A.Module.size,
        fields: [
          "name": A.Module.name, "path": A.Module.path, "bytecodeOffset": A.Module.bytecodeOffset,
          "bytecodeLength": A.Module.bytecodeLength, "contentHash": A.Module.contentHash,
          "kind": A.Module.kind, "reserved": A.Module.reserved, "requires": A.Module.requires,
          "builtins": A.Module.builtins, "appends": A.Module.appends, "calls": A.Module.calls,
        ]),
      "Trigger": Record(
        size: A.Trigger.size,
        fields: ["topic": A.Trigger.topic, "module": A.Trigger.module, "event": A.Trigger.event]),
      "Setting": Record(
        size: A.Setting.size,
        fields: [
          "key": A.Setting.key, "kind": A.Setting.kind, "reserved": A.Setting.reserved,
          "value": A.Setting.value,
        ]),
      "Validation": Record(
        size: A.Validation.size,
        fields: [
          "module": A.Validation.module, "line": A.Validation.line,
          "description": A.Validation.description,
        ]),
      "Capability": Record(
        size: A.Capability.size,
        fields: [
          "module": A.Capability.module, "kind": A.Capability.kind, "isAny": A.Capability.isAny,
          "reserved": A.Capability.reserved, "target": A.Capability.target,
        ]),
      "Signature": Record(
        size: A.Signature.size,
        fields: [
          "algorithm": A.Signature.algorithm, "reserved": A.Signature.reserved,
          "publicKey": A.Signature.publicKey, "signature": A.Signature.signature,
        ]),
      "Trailer": Record(
        size: StandaloneTrailer.size,
        fields: [
          "magic": 0, "version": StandaloneTrailer.version, "reserved": StandaloneTrailer.reserved,
          "artifactOffset": StandaloneTrailer.artifactOffset,
          "artifactLength": StandaloneTrailer.artifactLength, "fileBytes": StandaloneTrailer.fileBytes,
          "reservedEnd": StandaloneTrailer.reservedEnd, "checksum": StandaloneTrailer.checksum,
        ]),
      "RouteHeader": Record(
        size: R.Header.size,
        fields: [
          "nodesOffset": R.Header.nodesOffset, "nodeCount": R.Header.nodeCount,
          "routesOffset": R.Header.routesOffset, "routeCount": R.Header.routeCount,
          "namesOffset": R.Header.namesOffset, "nameCount": R.Header.nameCount,
          "allowsOffset": R.Header.allowsOffset, "allowCount": R.Header.allowCount,
          "textOffset": R.Header.textOffset, "textLength": R.Header.textLength,
          "notFoundBody": R.Header.notFoundBody, "methodNotAllowedBody": R.Header.methodNotAllowedBody,
          "flags": R.Header.flags, "depth": R.Header.depth,
        ]),
      "Route": Record(
        size: R.Route.size,
        fields: [
          "pattern": R.Route.pattern, "module": R.Route.module, "line": R.Route.line,
          "methods": R.Route.methods, "parameterCount": R.Route.parameterCount,
          "reserved": R.Route.reserved, "firstName": R.Route.firstName,
          "allowedMethods": R.Route.allowedMethods, "reservedEnd": R.Route.allowedMethods + 1,
        ]),
      "Allow": Record(
        size: R.Allow.size,
        fields: ["text": R.Allow.text, "methods": R.Allow.methods, "reserved": R.Allow.reserved]),
      "Node": Record(
        size: R.Node.size,
        fields: [
          "keyLow": R.Node.keyLow, "keyHigh": R.Node.keyHigh, "textOffset": R.Node.textOffset,
          "textLength": R.Node.textLength, "methodsHere": R.Node.methodsHere,
          "methodsBelow": R.Node.methodsBelow, "statics": R.Node.statics,
          "staticsMask": R.Node.staticsMask, "probes": R.Node.probes, "shift": R.Node.shift,
          "alternativeMethods": R.Node.alternativeMethods, "suffixCount": R.Node.suffixCount,
          "wildcardMethods": R.Node.wildcardMethods, "parameterMethods": R.Node.parameterMethods,
          "others": R.Node.others, "parameter": R.Node.parameter, "routes": R.Node.routes,
        ]),
    ]
    let documented = try documented()
    #expect(documented.keys.sorted() == expected.keys.sorted())
    for (name, record) in expected { #expect(documented[name] == record, "\(name)") }
  }

  // MARK: The second reader

  private func python(_ arguments: [String]) throws -> (status: Int32, output: Data) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }

  private func read(_ bytes: [UInt8]) throws -> (status: Int32, output: Data) {
    let file = FileManager.default.temporaryDirectory.appending(path: "artifact-\(UUID().uuidString).spx")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try python([Self.root.appending(path: "Tests/artifact_reader.py").path, file.path])
  }

  private var hasPython: Bool { (try? python(["-c", "import xxhash"]).status) == 0 }

  @Test func secondReaderAgrees() throws {
    guard hasPython else {
      print("skipped: /usr/bin/python3 with the module xxhash (python3-xxhash) is missing")
      return
    }
    for (contents, isSigned) in [(Sample.contents(), false), (Sample.fullContents(), true)] {
      var bytes = try ArtifactWriter.encode(contents)
      if isSigned { bytes = try Sample.signed(bytes) }
      let held = try TestImage(bytes)
      defer { withExtendedLifetime(held) {} }
      let (status, output) = try read(bytes)
      #expect(status == 0)
      let found = try JSONDecoder().decode(Dump.self, from: output)
      #expect(try found == Dump(held.image))
    }
  }

  @Test func secondReaderRefusesDamage() throws {
    guard hasPython else { return }
    var bytes = try ArtifactWriter.encode(Sample.contents())
    bytes[bytes.count / 2] ^= 0x10
    #expect(try read(bytes).status == 1)
  }
}

/// The JSON that readers print.
private struct Dump: Codable, Equatable {
  struct Section: Codable, Equatable {
    var name: String
    var offset: Int
    var length: Int
    var checksum: String
  }

  struct Module: Codable, Equatable {
    var name: String
    var path: String
    var kind: String
    var bytes: Int
    var validations: [Validation]
    var capabilities: [Capability]
  }

  struct Capability: Codable, Equatable {
    var kind: String
    var target: String?
  }

  /// The digest of the sample's key is written down in the sample.
  struct Signature: Codable, Equatable {
    var fingerprint: String
  }

  struct Validation: Codable, Equatable {
    var line: Int
    var description: Description
  }

  /// As much of a description as the sample has.
  struct Description: Codable, Equatable {
    var type: String
    var fields: [String: String]
  }

  struct Route: Codable, Equatable {
    var methods: [String]
    var pattern: String
    var function: String
    var line: Int
  }

  struct Trigger: Codable, Equatable {
    var topic: String
    var event: String
    var function: String
  }

  enum Value: Codable, Equatable {
    case boolean(Bool)
    case number(Double)
    case string(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let value = try? container.decode(Bool.self) {
        self = .boolean(value)
      } else if let value = try? container.decode(Double.self) {
        self = .number(value)
      } else {
        self = .string(try container.decode(String.self))
      }
    }

    init(_ value: ArtifactContents.SettingValue) {
      switch value {
      case .string(let text): self = .string(text)
      case .integer(let number): self = .number(Double(number))
      case .boolean(let flag): self = .boolean(flag)
      case .float(let number): self = .number(number)
      }
    }
  }

  var formatVersion: UInt32
  var appName: String
  var spacerRelease: String
  var luaRelease: String
  var architecture: String
  var isRelease: Bool
  var environment: String?
  var signature: Signature?
  var sections: [Section]
  var modules: [Module]
  var routes: [Route]
  var topics: [String]
  var triggers: [Trigger]
  var environmentVariables: [String]
  var settings: [String: Value]

  init(_ image: ArtifactImage) throws {
    let contents = image.contents()
    formatVersion = image.formatVersion
    appName = contents.appName
    spacerRelease = contents.spacerRelease
    luaRelease = contents.luaRelease
    architecture = contents.architecture
    isRelease = contents.isRelease
    environment = contents.environment
    signature = image.signature.map { _ in Signature(fingerprint: Sample.fingerprint) }
    sections = image.sections.map { section in
      let digits = String(section.checksum, radix: 16)
      return Section(
        name: section.name, offset: section.offset, length: section.length,
        checksum: String(repeating: "0", count: 16 - digits.count) + digits)
    }
    modules = try contents.modules.map { module in
      Module(
        name: module.name, path: module.path, kind: "\(module.kind)", bytes: module.bytecode.count,
        validations: try module.validations.map {
          Validation(
            line: $0.line,
            description: try JSONDecoder().decode(Description.self, from: Data($0.description.utf8)))
        },
        capabilities: module.capabilities.map { Capability(kind: "\($0.kind)", target: $0.target) })
    }
    routes = contents.routes.map {
      Route(
        methods: $0.methods.text.split(separator: "|").map(String.init), pattern: $0.pattern,
        function: contents.modules[$0.module].name, line: $0.line)
    }
    topics = contents.topics
    triggers = contents.triggers.map {
      Trigger(
        topic: contents.topics[$0.topic], event: $0.event, function: contents.modules[$0.module].name)
    }
    environmentVariables = contents.environmentVariables
    settings = Dictionary(
      contents.settings.map { ($0.key, Value($0.value)) }, uniquingKeysWith: { first, _ in first })
  }
}
