// What `spacer inspect` says about an artifact, as text for people and as JSON for programs.

import SpacerArtifact

/// An artifact's content in the order of the file.
struct ArtifactReport {
  private let file: ArtifactFile
  private var image: ArtifactImage { file.image }
  private var contents: ArtifactContents { file.contents }

  init(_ file: ArtifactFile) { self.file = file }

  // MARK: Text

  var text: String {
    let head = Table(
      rows: [
        ["application", contents.appName], ["format version", String(image.formatVersion)],
        ["built by", "Spacer \(contents.spacerRelease), \(contents.luaRelease), \(contents.architecture)"],
        ["built for", contents.environment ?? "the environment it is run in"],
        ["debug records", contents.isRelease ? "without local variables (--release)" : "complete"],
        ["bytes", String(image.byteCount)], ["checksum", Self.hex(image.checksum)],
      ])
    var parts = [head.text, sectionTable, moduleTable, "routes\n" + RouteListing(file).text]
    if contents.modules.contains(where: { !$0.validations.isEmpty }) { parts.append(validationTable) }
    if !contents.topics.isEmpty { parts.append(topicTable) }
    if !contents.environmentVariables.isEmpty {
      parts.append(
        "environment variables\n  " + contents.environmentVariables.joined(separator: "\n  ") + "\n")
    }
    if !contents.settings.isEmpty {
      let rows = contents.settings.map { ["  " + $0.key, Self.text($0.value)] }
      parts.append("settings\n" + Table(rows: rows).text)
    }
    return parts.joined(separator: "\n")
  }

  private var sectionTable: String {
    var table = Table(header: ["SECTION", "OFFSET", "BYTES", "CHECKSUM"])
    for section in image.sections {
      table.add([section.name, String(section.offset), String(section.length), Self.hex(section.checksum)])
    }
    return table.text
  }

  private var moduleTable: String {
    var table = Table(header: ["MODULE", "FILE", "BYTES", "REQUIRES", "CALLS", "APPENDS"])
    for module in contents.modules {
      let requires = module.requires.map { contents.modules[$0].name } + module.builtins
      table.add([
        module.name, module.path, String(module.bytecode.count), requires.joined(separator: " "),
        module.calls.joined(separator: " "), module.appends.joined(separator: " "),
      ])
    }
    return table.text
  }

  private var validationTable: String {
    var table = Table(header: ["VALIDATES IN", "ARGUMENTS"])
    for module in contents.modules {
      for validation in module.validations {
        table.add(["\(module.path):\(validation.line)", validation.description])
      }
    }
    return table.text
  }

  private var topicTable: String {
    var table = Table(header: ["TOPIC", "EVENT", "FUNCTION"])
    for (index, topic) in contents.topics.enumerated() {
      let triggers = contents.triggers.filter { $0.topic == index }
      if triggers.isEmpty { table.add([topic]) }
      for trigger in triggers { table.add([topic, trigger.event, contents.modules[trigger.module].name]) }
    }
    return table.text
  }

  // MARK: JSON

  var json: JSONText {
    .object([
      ("formatVersion", .integer(Int(image.formatVersion))), ("fileBytes", .integer(image.byteCount)),
      ("checksum", .string(Self.hex(image.checksum))), ("appName", .string(contents.appName)),
      ("spacerRelease", .string(contents.spacerRelease)), ("luaRelease", .string(contents.luaRelease)),
      ("architecture", .string(contents.architecture)), ("isRelease", .boolean(contents.isRelease)),
      ("environment", contents.environment.map { .string($0) } ?? .null),
      ("sections", .array(image.sections.map { Self.json($0) })),
      ("modules", .array(contents.modules.map { json($0) })),
      ("routes", RouteListing(file).json),
      ("topics", .strings(contents.topics)),
      ("triggers", .array(contents.triggers.map { json($0) })),
      ("environmentVariables", .strings(contents.environmentVariables)),
      ("settings", .object(contents.settings.map { ($0.key, Self.json($0.value)) })),
    ])
  }

  private static func json(_ section: ArtifactImage.Section) -> JSONText {
    .object([
      ("name", .string(section.name)), ("offset", .integer(section.offset)),
      ("length", .integer(section.length)), ("checksum", .string(hex(section.checksum))),
    ])
  }

  private func json(_ module: ArtifactContents.Module) -> JSONText {
    let kind =
      switch module.kind {
      case .function: "function"
      case .privateFunction: "privateFunction"
      case .library: "library"
      }
    return .object([
      ("name", .string(module.name)), ("path", .string(module.path)), ("kind", .string(kind)),
      ("bytes", .integer(module.bytecode.count)), ("contentHash", .string(Self.hex(module.contentHash))),
      ("requires", .strings(module.requires.map { contents.modules[$0].name })),
      ("builtins", .strings(module.builtins)), ("appends", .strings(module.appends)),
      ("calls", .strings(module.calls)), ("validations", .array(module.validations.map { Self.json($0) })),
    ])
  }

  private static func json(_ validation: ArtifactContents.Validation) -> JSONText {
    .object([
      ("line", .integer(validation.line)), ("description", .encoded(validation.description)),
    ])
  }

  private func json(_ trigger: ArtifactContents.Trigger) -> JSONText {
    .object([
      ("topic", .string(contents.topics[trigger.topic])), ("event", .string(trigger.event)),
      ("function", .string(contents.modules[trigger.module].name)),
    ])
  }

  private static func json(_ value: ArtifactContents.SettingValue) -> JSONText {
    switch value {
    case .string(let text): .string(text)
    case .integer(let number): .integer(Int(number))
    case .boolean(let flag): .boolean(flag)
    case .float(let number): .float(number)
    }
  }

  private static func text(_ value: ArtifactContents.SettingValue) -> String {
    switch value {
    case .string(let text): text
    case .integer(let number): String(number)
    case .boolean(let flag): String(flag)
    case .float(let number): String(number)
    }
  }

  private static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
