// Lays contents out as the bytes of an artifact. The result depends on the contents alone, not on their
// order, the time or the machine.

/// Encodes artifacts.
package enum ArtifactWriter {
  /// The bytes of an artifact. Throws `invalidContents` when a name occurs twice, an index or a pattern is
  /// wrong, or a limit is passed.
  package static func encode(_ contents: ArtifactContents) throws(ArtifactError) -> [UInt8] {
    let canonical = try CanonicalContents(contents)
    var sections = try SectionWriter(canonical)
    return try assemble(try sections.write())
  }

  /// One section of a file under way.
  struct Section {
    var kind: SectionKind
    /// Its bytes, in pieces that follow each other.
    var pieces: [ArraySlice<UInt8>]
    /// Nil when it is to be worked out.
    var checksum: UInt64?
  }

  /// Puts sections behind a header and their table; they ascend by kind.
  static func assemble(
    _ sections: [(kind: SectionKind, bytes: [UInt8])]
  ) throws(ArtifactError) -> [UInt8] {
    try assemble(sections.map { Section(kind: $0.kind, pieces: [$0.bytes[...]]) })
  }

  /// The same for sections in pieces.
  static func assemble(_ sections: [Section]) throws(ArtifactError) -> [UInt8] {
    typealias Layout = ArtifactLayout
    var end = Layout.Header.size + sections.count * Layout.Section.size
    var places: [Range<Int>] = []
    for section in sections {
      let offset = (end + Layout.alignment - 1) / Layout.alignment * Layout.alignment
      end = section.pieces.reduce(offset) { $0 + $1.count }
      places.append(offset..<end)
      guard end <= Limits.artifactBytesMax else {
        throw .invalidContents("the artifact has more than \(Limits.artifactBytesMax) bytes")
      }
    }
    var file = ByteBuilder()
    file.reserve(end)
    file.append(contentsOf: Layout.magic)
    file.append(UInt64(0))
    file.append(Layout.formatVersion)
    file.append(Layout.readerVersionMin)
    file.append(UInt64(end))
    file.append(UInt32(sections.count))
    file.appendZeros(Layout.Header.size - Layout.Header.reserved)
    for (section, place) in zip(sections, places) {
      file.append(section.kind.rawValue)
      file.append(UInt32(0))
      file.append(UInt64(place.lowerBound))
      file.append(UInt64(place.count))
      file.append(section.checksum ?? 0)
    }
    for (section, place) in zip(sections, places) {
      file.appendZeros(place.lowerBound - file.count)
      for piece in section.pieces { file.append(contentsOf: piece) }
    }
    for (index, section) in sections.enumerated() where section.checksum == nil {
      let entry = Layout.Header.size + index * Layout.Section.size
      file.set(Checksum.of(file.bytes, in: places[index]), at: entry + Layout.Section.checksum)
    }
    file.set(Checksum.of(file.bytes, in: Layout.Header.checksummed..<end), at: Layout.Header.checksum)
    return file.bytes
  }
}

/// Writes the sections' bytes.
private struct SectionWriter {
  private let contents: ArtifactContents
  private let functionCount: Int
  private var strings = StringPool()
  private var bytecode = ByteBuilder()
  private var graph = ByteBuilder()

  init(_ canonical: CanonicalContents) throws(ArtifactError) {
    contents = canonical.contents
    functionCount = canonical.functionCount
    try strings.insert([
      contents.appName, contents.spacerRelease, contents.luaRelease, contents.architecture,
      contents.environment ?? "",
    ])
    for module in contents.modules {
      try strings.insert([module.name, module.path] + module.builtins + module.appends + module.calls)
      try strings.insert(module.validations.map(\.description))
      try strings.insert(module.capabilities.compactMap(\.target))
    }
    try strings.insert(contents.topics)
    try strings.insert(contents.triggers.map(\.event))
    try strings.insert(contents.environmentVariables)
    try strings.insert(contents.settings.map(\.key))
    for case .string(let text) in contents.settings.map(\.value) { try strings.insert([text]) }
    // The target of what reaches any.
    if contents.hasCapabilities { try strings.insert([""]) }
    try strings.layOut()
  }

  mutating func write() throws(ArtifactError) -> [(kind: SectionKind, bytes: [UInt8])] {
    let modules = try modules()
    let routes = try RouteTableBuilder.encode(contents.routes)
    var sections: [(kind: SectionKind, bytes: [UInt8])] = [
      (.manifest, manifest()), (.strings, strings.bytes), (.modules, modules), (.bytecode, bytecode.bytes),
      (.graph, graph.bytes), (.routes, routes), (.topics, texts(contents.topics)), (.triggers, triggers()),
      (.environment, texts(contents.environmentVariables)), (.settings, settings()),
    ]
    let validations = validations()
    if !validations.isEmpty { sections.append((.validations, validations)) }
    if contents.hasCapabilities { sections.append((.capabilities, capabilities())) }
    return sections
  }

  private func manifest() -> [UInt8] {
    var result = ByteBuilder()
    append(contents.appName, to: &result)
    append(contents.spacerRelease, to: &result)
    append(contents.luaRelease, to: &result)
    append(contents.architecture, to: &result)
    append(contents.environment ?? "", to: &result)
    result.append(
      (contents.isRelease ? ArtifactLayout.Manifest.flagRelease : 0)
        | (contents.environment != nil ? ArtifactLayout.Manifest.flagEnvironment : 0))
    result.append(UInt32(functionCount))
    result.appendZeros(ArtifactLayout.Manifest.size - ArtifactLayout.Manifest.reserved)
    return result.bytes
  }

  private mutating func modules() throws(ArtifactError) -> [UInt8] {
    var result = ByteBuilder()
    bytecode.reserve(
      contents.modules.reduce(0) { $0 + $1.bytecode.count + ArtifactLayout.bytecodeAlignment })
    for module in contents.modules {
      bytecode.align(to: ArtifactLayout.bytecodeAlignment)
      guard bytecode.count + module.bytecode.count <= Limits.artifactBytesMax else {
        throw .invalidContents("the bytecode has more than \(Limits.artifactBytesMax) bytes")
      }
      append(module.name, to: &result)
      append(module.path, to: &result)
      result.append(UInt64(bytecode.count))
      result.append(UInt64(module.bytecode.count))
      result.append(module.contentHash)
      result.append(module.kind.rawValue)
      result.appendZeros(ArtifactLayout.Module.requires - ArtifactLayout.Module.reserved)
      bytecode.append(contentsOf: module.bytecode)
      appendList(count: module.requires.count, to: &result)
      for index in module.requires { graph.append(UInt32(index)) }
      for texts in [module.builtins, module.appends, module.calls] {
        appendList(count: texts.count, to: &result)
        for text in texts { append(text, to: &graph) }
      }
    }
    return result.bytes
  }

  /// Where the next list in the graph begins, in words of 32 bits, and how many entries it has.
  private func appendList(count: Int, to builder: inout ByteBuilder) {
    builder.append(UInt32(graph.count / 4))
    builder.append(UInt32(count))
  }

  private func triggers() -> [UInt8] {
    var result = ByteBuilder()
    for trigger in contents.triggers {
      result.append(UInt32(trigger.topic))
      result.append(UInt32(trigger.module))
      append(trigger.event, to: &result)
    }
    return result.bytes
  }

  private func settings() -> [UInt8] {
    var result = ByteBuilder()
    for setting in contents.settings {
      append(setting.key, to: &result)
      let kind: ArtifactLayout.SettingKind =
        switch setting.value {
        case .string: .string
        case .integer: .integer
        case .boolean: .boolean
        case .float: .float
        }
      result.append(kind.rawValue)
      result.appendZeros(ArtifactLayout.Setting.value - ArtifactLayout.Setting.reserved)
      switch setting.value {
      case .string(let text): append(text, to: &result)
      case .integer(let value): result.append(UInt64(bitPattern: value))
      case .boolean(let value): result.append(UInt64(value ? 1 : 0))
      case .float(let value): result.append(value.bitPattern)
      }
    }
    return result.bytes
  }

  private func validations() -> [UInt8] {
    var result = ByteBuilder()
    for (index, module) in contents.modules.enumerated() {
      for validation in module.validations {
        result.append(UInt32(index))
        result.append(UInt32(clamping: validation.line))
        append(validation.description, to: &result)
      }
    }
    return result.bytes
  }

  private func capabilities() -> [UInt8] {
    var result = ByteBuilder()
    for (index, module) in contents.modules.enumerated() {
      for capability in module.capabilities {
        result.append(UInt32(index))
        result.append(capability.kind.rawValue)
        result.append(UInt8(capability.target == nil ? 1 : 0))
        result.appendZeros(ArtifactLayout.Capability.target - ArtifactLayout.Capability.reserved)
        append(capability.target ?? "", to: &result)
      }
    }
    return result.bytes
  }

  private func texts(_ texts: [String]) -> [UInt8] {
    var result = ByteBuilder()
    for text in texts { append(text, to: &result) }
    return result.bytes
  }

  private func append(_ text: String, to builder: inout ByteBuilder) {
    let reference = strings.reference(text)
    builder.append(reference.offset)
    builder.append(reference.length)
  }
}
