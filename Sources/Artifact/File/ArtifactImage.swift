// An artifact used in place. Creating an image verifies the whole file once; after that nothing is parsed,
// and the accessors cannot fail for an index in range.

/// What reads an artifact: a file for another Lua release or processor is of no use to it.
package struct ReaderIdentity: Equatable, Sendable {
  /// `Lua 5.4.4`.
  package var luaRelease: String
  /// `x86_64`, `aarch64`.
  package var architecture: String

  package init(luaRelease: String, architecture: String) {
    self.luaRelease = luaRelease
    self.architecture = architecture
  }

  /// The architecture this code was compiled for.
  package static var compiledArchitecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "aarch64"
    #else
      "unknown"
    #endif
  }
}

/// A verified artifact in memory that someone else owns. Safe to use from any thread.
package struct ArtifactImage: Sendable {
  private typealias Manifest = ArtifactLayout.Manifest

  let memory: ImageMemory
  private let entries: [ArtifactSections.Entry]
  private let manifest: ImageMemory
  let strings: ImageMemory
  let moduleRecords: ImageMemory
  let bytecode: ImageMemory
  let graph: ImageMemory
  private let topicRecords: ImageMemory
  private let triggerRecords: ImageMemory
  private let environmentRecords: ImageMemory
  private let settingRecords: ImageMemory
  private let validationRecords: ImageMemory
  private let capabilityRecords: ImageMemory
  let signatureRecord: ImageMemory

  /// The version of the format that the file was written in.
  package let formatVersion: UInt32
  package let moduleCount: Int
  /// Modules below this index are functions, private ones among them; the others are libraries.
  package let functionCount: Int
  /// The gateway's routes; their modules are indexes for `module`.
  package let routes: RouteTable

  /// Verifies a file. The memory must be aligned to `ArtifactLayout.alignment`, outlive every copy of this
  /// value and stay as it is. Without a `reader` a file for any Lua release and architecture is taken, as
  /// `spacer inspect` does; its bytecode must not be loaded then.
  package init(
    verifying bytes: UnsafeRawBufferPointer, reader: ReaderIdentity?
  ) throws(ArtifactError) {
    memory = ImageMemory(bytes)
    let sections = try ArtifactSections(verifying: memory)
    try ArtifactVerifier(sections).verify()
    formatVersion = sections.formatVersion
    entries = sections.entries
    manifest = sections[.manifest]
    strings = sections[.strings]
    moduleRecords = sections[.modules]
    bytecode = sections[.bytecode]
    graph = sections[.graph]
    topicRecords = sections[.topics]
    triggerRecords = sections[.triggers]
    environmentRecords = sections[.environment]
    settingRecords = sections[.settings]
    validationRecords = sections[.validations]
    capabilityRecords = sections[.capabilities]
    signatureRecord = sections[.signature]
    moduleCount = moduleRecords.count / ArtifactLayout.Module.size
    functionCount = manifest.load32(at: Manifest.functionCount)
    routes = try RouteTable(verifying: sections[.routes].bytes, moduleCount: functionCount)
    guard let reader else { return }
    guard luaRelease == reader.luaRelease else {
      throw .otherLuaRelease(artifact: luaRelease, reader: reader.luaRelease)
    }
    guard architecture == reader.architecture else {
      throw .otherArchitecture(artifact: architecture, reader: reader.architecture)
    }
  }

  // MARK: Manifest

  package var appName: String { string(manifest, Manifest.appName) }
  /// The release of Spacer that compiled it.
  package var spacerRelease: String { string(manifest, Manifest.spacerRelease) }
  package var luaRelease: String { string(manifest, Manifest.luaRelease) }
  package var architecture: String { string(manifest, Manifest.architecture) }
  /// Compiled with `--release`.
  package var isRelease: Bool {
    manifest.load(UInt32.self, at: Manifest.flags) & Manifest.flagRelease != 0
  }
  /// The environment chosen at build time, or nil.
  package var environment: String? {
    manifest.load(UInt32.self, at: Manifest.flags) & Manifest.flagEnvironment == 0
      ? nil : string(manifest, Manifest.environment)
  }

  /// A section as the file states it.
  package struct Section: Equatable, Sendable {
    package let name: String
    /// In bytes from the file's beginning.
    package let offset: Int
    /// In bytes.
    package let length: Int
    /// XXH3-64.
    package let checksum: UInt64
  }

  /// In the file's order.
  package var sections: [Section] {
    entries.map { Section(name: $0.name, offset: $0.offset, length: $0.length, checksum: $0.checksum) }
  }

  /// The checksum over the whole file.
  package var checksum: UInt64 { memory.load(UInt64.self, at: ArtifactLayout.Header.checksum) }

  /// The file's length in bytes.
  package var byteCount: Int { memory.count }

  // MARK: Modules

  /// A name space of modules: `require` looks among functions first, then among libraries.
  package enum ModuleClass: Sendable {
    case function
    case library
  }

  /// The module with an index below `moduleCount`; traps otherwise.
  package func module(_ index: Int) -> Module {
    precondition(index >= 0 && index < moduleCount)
    return Module(image: self, offset: index * ArtifactLayout.Module.size)
  }

  /// The module of an exact name, or nil. Private functions are found under `private/NAME`. Allocates
  /// nothing.
  package func moduleIndex(named name: UnsafeRawBufferPointer, _ moduleClass: ModuleClass) -> Int? {
    let range = moduleClass == .function ? 0..<functionCount : functionCount..<moduleCount
    return search(name, in: moduleRecords, ArtifactLayout.Module.size, range)
  }

  /// The module of an exact name, or nil.
  package func moduleIndex(named name: String, _ moduleClass: ModuleClass) -> Int? {
    Array(name.utf8).withUnsafeBytes { moduleIndex(named: $0, moduleClass) }
  }

  /// What the code of a module hands to `validate`, in the order of its text.
  func validations(ofModule index: Int) -> [ArtifactContents.Validation] {
    typealias Validation = ArtifactLayout.Validation
    let records = Self.records(ofModule: index, in: validationRecords, Validation.size, Validation.module)
    return records.map { record in
      let offset = record * Validation.size
      return ArtifactContents.Validation(
        line: validationRecords.load32(at: offset + Validation.line),
        description: string(validationRecords, offset + Validation.description))
    }
  }

  /// Whether the compiler looked for capabilities.
  package var hasCapabilities: Bool { entries.contains { $0.kind == SectionKind.capabilities.rawValue } }

  /// What the code of a module reaches, in the format's order.
  func capabilities(ofModule index: Int) -> [ArtifactContents.Capability] {
    typealias Capability = ArtifactLayout.Capability
    let records = Self.records(ofModule: index, in: capabilityRecords, Capability.size, Capability.module)
    return records.compactMap { record in
      let offset = record * Capability.size
      return ArtifactContents.Capability.Kind(
        rawValue: capabilityRecords.load(UInt8.self, at: offset + Capability.kind)
      ).map { kind in
        let isAny = capabilityRecords.load(UInt8.self, at: offset + Capability.isAny) != 0
        return .init(kind, isAny ? nil : string(capabilityRecords, offset + Capability.target))
      }
    }
  }

  /// The records of one module among those that ascend by module.
  private static func records(
    ofModule index: Int, in records: ImageMemory, _ size: Int, _ field: Int
  ) -> Range<Int> {
    let count = records.count / size
    let module = { (record: Int) in records.load32(at: record * size + field) }
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if module(middle) < index { low = middle + 1 } else { high = middle }
    }
    var end = low
    while end < count, module(end) == index { end += 1 }
    return low..<end
  }

  // MARK: Wiring

  /// In byte order.
  package var topics: [String] { strings(topicRecords) }

  /// By topic and event, then as configured. `topic` is an index into `topics`.
  package var triggers: [ArtifactContents.Trigger] {
    typealias Trigger = ArtifactLayout.Trigger
    return stride(from: 0, to: triggerRecords.count, by: Trigger.size).map { offset in
      ArtifactContents.Trigger(
        topic: triggerRecords.load32(at: offset + Trigger.topic),
        event: string(triggerRecords, offset + Trigger.event),
        module: triggerRecords.load32(at: offset + Trigger.module))
    }
  }

  /// Names that functions may read with `os.getenv`, in byte order.
  package var environmentVariables: [String] { strings(environmentRecords) }

  // MARK: Settings

  /// The value under an exact dotted key, or nil.
  package func setting(_ key: String) -> ArtifactContents.SettingValue? {
    let count = settingRecords.count / ArtifactLayout.Setting.size
    return Array(key.utf8).withUnsafeBytes { key in
      search(key, in: settingRecords, ArtifactLayout.Setting.size, 0..<count).map { setting(at: $0).value }
    }
  }

  /// Every setting whose key begins with `prefix`, in byte order: `limits.`, or all for an empty one.
  package func settings(prefix: String) -> [ArtifactContents.Setting] {
    (0..<(settingRecords.count / ArtifactLayout.Setting.size)).map { setting(at: $0) }
      .filter { $0.key.utf8.starts(with: prefix.utf8) }
  }

  private func setting(at index: Int) -> ArtifactContents.Setting {
    typealias Setting = ArtifactLayout.Setting
    let offset = index * Setting.size
    let bits = settingRecords.load(UInt64.self, at: offset + Setting.value)
    let kind = settingRecords.load(UInt8.self, at: offset + Setting.kind)
    let value: ArtifactContents.SettingValue =
      switch ArtifactLayout.SettingKind(rawValue: kind) {
      case .integer: .integer(Int64(bitPattern: bits))
      case .boolean: .boolean(bits != 0)
      case .float: .float(Double(bitPattern: bits))
      case .string, nil: .string(string(settingRecords, offset + Setting.value))
      }
    return ArtifactContents.Setting(key: string(settingRecords, offset + Setting.key), value: value)
  }

  // MARK: Texts

  /// The text that a record refers to; a zero byte follows it.
  func text(_ records: ImageMemory, _ offset: Int) -> UnsafeRawBufferPointer {
    strings.slice(offset: records.load32(at: offset), length: records.load32(at: offset + 4)).bytes
  }

  func string(_ records: ImageMemory, _ offset: Int) -> String {
    String(decoding: text(records, offset), as: UTF8.self)
  }

  private func strings(_ records: ImageMemory) -> [String] {
    stride(from: 0, to: records.count, by: ArtifactLayout.Text.size).map { string(records, $0) }
  }

  /// Binary search among records that begin with a reference to their name and are sorted by it.
  private func search(
    _ name: UnsafeRawBufferPointer, in records: ImageMemory, _ size: Int, _ range: Range<Int>
  ) -> Int? {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high {
      let middle = (low + high) / 2
      let order = Self.compare(text(records, middle * size), name)
      if order == 0 { return middle }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// Below, equal to or above zero as `a` stands before, equals or follows `b`.
  private static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
    for index in 0..<min(a.count, b.count) where a[index] != b[index] {
      return Int(a[index]) - Int(b[index])
    }
    return a.count - b.count
  }
}
