// Checks what is inside the sections, so that an image's accessors cannot fail: each text lies among the
// strings with its zero byte after it, each list in the graph, each index below its count, each sorted list
// is sorted. A file with good checksums can still break these rules if something else than our writer wrote it.

/// Verifies the records of one artifact whose envelope holds.
struct ArtifactVerifier {
  private let sections: ArtifactSections
  private let strings: ImageMemory

  init(_ sections: ArtifactSections) {
    self.sections = sections
    strings = sections[.strings]
  }

  func verify() throws(ArtifactError) {
    let functionCount = try verifyManifest()
    let moduleCount = try verifyModules(functionCount: functionCount)
    for index in 0..<moduleCount { try verifyLists(ofModule: index, moduleCount) }
    let topicCount = try verifyNames(.topics, Limits.topicsMax)
    try verifyTriggers(topicCount: topicCount, functionCount: functionCount)
    _ = try verifyNames(.environment, Limits.environmentVariablesMax)
    try verifySettings()
    try verifyValidations(moduleCount: moduleCount)
    try verifyCapabilities(moduleCount: moduleCount)
    try verifySignature()
  }

  /// The number of functions that the manifest states.
  private func verifyManifest() throws(ArtifactError) -> Int {
    typealias Manifest = ArtifactLayout.Manifest
    let section = sections[.manifest]
    guard section.count == Manifest.size else { throw malformed(.manifest, "its length is wrong") }
    for offset in [
      Manifest.appName, Manifest.spacerRelease, Manifest.luaRelease, Manifest.architecture,
      Manifest.environment,
    ] {
      try verifyText(.manifest, section, at: offset)
    }
    let flags = section.load(UInt32.self, at: Manifest.flags)
    guard flags & ~(Manifest.flagRelease | Manifest.flagEnvironment) == 0,
      section.isZero(from: Manifest.reserved, to: Manifest.size)
    else { throw malformed(.manifest, "reserved bytes are not zero") }
    return section.load32(at: Manifest.functionCount)
  }

  private func verifyModules(functionCount: Int) throws(ArtifactError) -> Int {
    typealias Module = ArtifactLayout.Module
    let section = sections[.modules]
    let count = try recordCount(.modules, Module.size, Limits.modulesMax)
    guard functionCount <= count else {
      throw malformed(.manifest, "it states more functions than there are modules")
    }
    let bytecode = sections[.bytecode]
    for index in 0..<count {
      let offset = index * Module.size
      try verifyText(.modules, section, at: offset + Module.name)
      try verifyText(.modules, section, at: offset + Module.path)
      let start = section.load(UInt64.self, at: offset + Module.bytecodeOffset)
      let length = section.load(UInt64.self, at: offset + Module.bytecodeLength)
      guard start % UInt64(ArtifactLayout.bytecodeAlignment) == 0,
        bytecode.contains(offset: Int(clamping: start), length: Int(clamping: length))
      else { throw malformed(.modules, "a module's bytecode lies outside its section") }
      let kind = section.load(UInt8.self, at: offset + Module.kind)
      guard let kind = ArtifactContents.ModuleKind(rawValue: kind) else {
        throw malformed(.modules, "a module is of an unknown kind")
      }
      guard (kind == .library) == (index >= functionCount) else {
        throw malformed(.modules, "functions and libraries are mixed")
      }
      guard section.isZero(from: offset + Module.reserved, to: offset + Module.requires) else {
        throw malformed(.modules, "reserved bytes are not zero")
      }
      if index > 0 && index != functionCount {
        try verifyOrder(.modules, section, offset - Module.size + Module.name, offset + Module.name)
      }
    }
    return count
  }

  private func verifyLists(ofModule index: Int, _ moduleCount: Int) throws(ArtifactError) {
    typealias Module = ArtifactLayout.Module
    let modules = sections[.modules]
    let graph = sections[.graph]
    let offset = index * Module.size
    for (field, wordsEach) in [
      (Module.requires, 1), (Module.builtins, 2), (Module.appends, 2), (Module.calls, 2),
    ] {
      let first = modules.load32(at: offset + field)
      let count = modules.load32(at: offset + field + 4)
      guard count <= Limits.moduleListMax,
        graph.contains(offset: first * 4, length: count * wordsEach * 4)
      else { throw malformed(.graph, "a module's list lies outside it") }
      for entry in 0..<count {
        let position = (first + entry * wordsEach) * 4
        if wordsEach == 2 {
          try verifyText(.graph, graph, at: position)
        } else if graph.load32(at: position) >= moduleCount {
          throw malformed(.graph, "a module requires one that does not exist")
        }
      }
    }
  }

  private func verifyTriggers(topicCount: Int, functionCount: Int) throws(ArtifactError) {
    typealias Trigger = ArtifactLayout.Trigger
    let section = sections[.triggers]
    for index in 0..<(try recordCount(.triggers, Trigger.size, Limits.triggersMax)) {
      let offset = index * Trigger.size
      guard section.load32(at: offset + Trigger.topic) < topicCount,
        section.load32(at: offset + Trigger.module) < functionCount
      else { throw malformed(.triggers, "a trigger names a topic or function that does not exist") }
      try verifyText(.triggers, section, at: offset + Trigger.event)
    }
  }

  /// A section that is a sorted list of texts; its number of entries.
  private func verifyNames(_ kind: SectionKind, _ limit: Int) throws(ArtifactError) -> Int {
    let section = sections[kind]
    let count = try recordCount(kind, ArtifactLayout.Text.size, limit)
    for index in 0..<count {
      let offset = index * ArtifactLayout.Text.size
      try verifyText(kind, section, at: offset)
      if index > 0 { try verifyOrder(kind, section, offset - ArtifactLayout.Text.size, offset) }
    }
    return count
  }

  private func verifySettings() throws(ArtifactError) {
    typealias Setting = ArtifactLayout.Setting
    let section = sections[.settings]
    for index in 0..<(try recordCount(.settings, Setting.size, Limits.settingsMax)) {
      let offset = index * Setting.size
      try verifyText(.settings, section, at: offset + Setting.key)
      guard section.isZero(from: offset + Setting.reserved, to: offset + Setting.value) else {
        throw malformed(.settings, "reserved bytes are not zero")
      }
      switch ArtifactLayout.SettingKind(rawValue: section.load(UInt8.self, at: offset + Setting.kind)) {
      case .string: try verifyText(.settings, section, at: offset + Setting.value)
      case .boolean:
        guard section.load(UInt64.self, at: offset + Setting.value) <= 1 else {
          throw malformed(.settings, "a boolean is neither 0 nor 1")
        }
      case .integer, .float: break
      case nil: throw malformed(.settings, "a value is of an unknown kind")
      }
      if index > 0 {
        try verifyOrder(.settings, section, offset - Setting.size + Setting.key, offset + Setting.key)
      }
    }
  }

  private func verifyValidations(moduleCount: Int) throws(ArtifactError) {
    typealias Validation = ArtifactLayout.Validation
    let section = sections[.validations]
    var previous = 0
    for index in 0..<(try recordCount(.validations, Validation.size, Limits.validationsMax)) {
      let offset = index * Validation.size
      let module = section.load32(at: offset + Validation.module)
      guard module < moduleCount else {
        throw malformed(.validations, "one belongs to a module that does not exist")
      }
      guard module >= previous else { throw malformed(.validations, "it is not sorted") }
      previous = module
      try verifyText(.validations, section, at: offset + Validation.description)
    }
  }

  private func verifyCapabilities(moduleCount: Int) throws(ArtifactError) {
    typealias Capability = ArtifactLayout.Capability
    let section = sections[.capabilities]
    var previous = 0
    for index in 0..<(try recordCount(.capabilities, Capability.size, Limits.capabilitiesMax)) {
      let offset = index * Capability.size
      let module = section.load32(at: offset + Capability.module)
      guard module < moduleCount else {
        throw malformed(.capabilities, "one belongs to a module that does not exist")
      }
      guard module >= previous else { throw malformed(.capabilities, "it is not sorted") }
      previous = module
      guard section.load(UInt8.self, at: offset + Capability.isAny) <= 1,
        section.isZero(from: offset + Capability.reserved, to: offset + Capability.target)
      else { throw malformed(.capabilities, "reserved bytes are not zero") }
      try verifyText(.capabilities, section, at: offset + Capability.target)
    }
  }

  private func verifySignature() throws(ArtifactError) {
    typealias Signature = ArtifactLayout.Signature
    guard sections.entries.contains(where: { $0.kind == SectionKind.signature.rawValue }) else { return }
    let section = sections[.signature]
    guard section.count == Signature.size else { throw malformed(.signature, "its length is wrong") }
    guard section.load(UInt32.self, at: Signature.algorithm) == Signature.ed25519 else {
      throw malformed(.signature, "it is of an unknown algorithm")
    }
    guard section.isZero(from: Signature.reserved, to: Signature.publicKey) else {
      throw malformed(.signature, "reserved bytes are not zero")
    }
  }

  // MARK: Parts

  private func recordCount(_ kind: SectionKind, _ size: Int, _ limit: Int) throws(ArtifactError) -> Int {
    let bytes = sections[kind].count
    guard bytes % size == 0 else { throw malformed(kind, "its length is no multiple of a record's") }
    guard bytes / size <= limit else { throw malformed(kind, "it has more than \(limit) records") }
    return bytes / size
  }

  private func verifyText(_ kind: SectionKind, _ section: ImageMemory, at offset: Int) throws(ArtifactError) {
    let start = section.load32(at: offset)
    let length = section.load32(at: offset + 4)
    guard length <= Limits.stringBytesMax, strings.contains(offset: start, length: length + 1),
      strings.load(UInt8.self, at: start + length) == 0
    else { throw malformed(kind, "a text lies outside the strings") }
  }

  /// Whether the text at `second` follows the one at `first`; both are verified.
  private func verifyOrder(
    _ kind: SectionKind, _ section: ImageMemory, _ first: Int, _ second: Int
  ) throws(ArtifactError) {
    let texts = [first, second].map {
      strings.slice(offset: section.load32(at: $0), length: section.load32(at: $0 + 4)).bytes
    }
    guard texts[0].lexicographicallyPrecedes(texts[1]) else { throw malformed(kind, "it is not sorted") }
  }

  private func malformed(_ kind: SectionKind, _ problem: String) -> ArtifactError {
    .malformed(section: kind.name, problem: problem)
  }
}
