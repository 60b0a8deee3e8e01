// What `spacer inspect` says about an artifact, as text for people and as JSON for programs.

import SpacerArtifact
import SpacerCompiler
import SpacerRuntime

/// An artifact's content in the order of the file.
struct ArtifactReport {
  private let file: ArtifactFile
  private let wiring: EventWiring
  private var image: ArtifactImage { file.image }
  private var contents: ArtifactContents { file.contents }

  init(_ file: ArtifactFile) {
    self.file = file
    wiring = EventWiring(file.contents)
  }

  // MARK: Text

  var text: String {
    let head = Table(
      rows: [
        ["application", contents.appName], ["format version", String(image.formatVersion)],
        ["built by", "Spacer \(contents.spacerRelease), \(contents.luaRelease), \(contents.architecture)"],
        ["built for", contents.environment ?? "the environment it is run in"],
        ["debug records", contents.isRelease ? "without local variables (--release)" : "complete"],
        ["bytes", String(image.byteCount)], ["checksum", Self.hex(image.checksum)],
        ["signature", signatureText],
      ])
    var parts = [head.text, sectionTable, moduleTable, "routes\n" + RouteListing(file).text]
    if contents.modules.contains(where: { !$0.validations.isEmpty }) { parts.append(validationTable) }
    if contents.hasCapabilities { parts.append(reachTable) }
    if !contents.topics.isEmpty { parts.append(topicTable) }
    if !contents.triggers.isEmpty { parts.append(triggerTable) }
    if !wiring.schedules.isEmpty { parts.append(scheduleTable) }
    if !contents.environmentVariables.isEmpty {
      parts.append(
        "environment variables\n  " + contents.environmentVariables.joined(separator: "\n  ") + "\n")
    }
    if !wiring.otherSettings.isEmpty {
      let rows = wiring.otherSettings.map { ["  " + $0.key, Self.text($0.value)] }
      parts.append("settings\n" + Table(rows: rows).text)
    }
    return parts.joined(separator: "\n")
  }

  private var signatureText: String {
    guard let signer = image.signature.map({ TrustedKey(bytes: $0.publicKey) }) else { return "none" }
    return "\(signer.hasSigned(image) ? "holds" : "DOES NOT HOLD"), Ed25519 key \(signer.fingerprint)"
  }

  /// What each function reaches, with all that it requires.
  private var reachTable: String {
    var table = Table(header: ["FUNCTION", "REACHES"])
    for (index, module) in contents.modules.enumerated() where module.kind != .library {
      let reach = contents.reach(ofModule: index).capabilities.map(\.text)
      table.add([module.name, reach.isEmpty ? "nothing" : reach.joined(separator: ", ")])
    }
    return table.text
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
    var table = Table(header: ["TOPIC", "OPTIONS"])
    for topic in contents.topics { table.add([topic, Self.text(wiring.options(ofTopic: topic))]) }
    return table.text
  }

  private var triggerTable: String {
    var table = Table(header: ["TRIGGERED BY", "EVENT", "FUNCTION", "OPTIONS"])
    for (index, trigger) in contents.triggers.enumerated() {
      table.add([
        contents.topics[trigger.topic], trigger.event, contents.modules[trigger.module].name,
        Self.text(wiring.options(ofTrigger: index)),
      ])
    }
    return table.text
  }

  private var scheduleTable: String {
    var table = Table(header: ["SCHEDULE", "WHEN", "FUNCTION", "TOPIC", "OPTIONS"])
    for schedule in wiring.schedules {
      table.add([
        schedule.name, schedule.time, schedule.function ?? "", schedule.topic ?? "",
        Self.text(schedule.options),
      ])
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
      ("signature", jsonOfSignature),
      ("sections", .array(image.sections.map { Self.json($0) })),
      ("modules", .array(contents.modules.map { json($0) })),
      ("reaches", jsonOfReach),
      ("routes", RouteListing(file).json),
      ("topics", .strings(contents.topics)),
      (
        "topicOptions",
        .object(
          contents.topics.map { ($0, wiring.options(ofTopic: $0)) }.filter { !$0.1.isEmpty }
            .map { ($0, Self.json($1)) })
      ),
      ("triggers", .array(contents.triggers.indices.map { jsonOfTrigger($0) })),
      ("schedules", .array(wiring.schedules.map { Self.json($0) })),
      ("environmentVariables", .strings(contents.environmentVariables)),
      ("settings", .object(contents.settings.map { ($0.key, Self.json($0.value)) })),
    ])
  }

  private var jsonOfSignature: JSONText {
    guard let signer = image.signature.map({ TrustedKey(bytes: $0.publicKey) }) else { return .null }
    return .object([
      ("algorithm", .string("Ed25519")), ("fingerprint", .string(signer.fingerprint)),
      ("holds", .boolean(signer.hasSigned(image))),
    ])
  }

  /// By function; null when the artifact does not say.
  private var jsonOfReach: JSONText {
    guard contents.hasCapabilities else { return .null }
    return .object(
      contents.modules.enumerated().filter { $1.kind != .library }.map { index, module in
        (module.name, .array(contents.reach(ofModule: index).capabilities.map { Self.json($0) }))
      })
  }

  private static func json(_ capability: ArtifactContents.Capability) -> JSONText {
    .object([
      ("kind", .string("\(capability.kind)")),
      ("target", capability.target.map { .string($0) } ?? .null),
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
      ("capabilities", .array(module.capabilities.map { Self.json($0) })),
    ])
  }

  private static func json(_ validation: ArtifactContents.Validation) -> JSONText {
    .object([
      ("line", .integer(validation.line)), ("description", .encoded(validation.description)),
    ])
  }

  private func jsonOfTrigger(_ index: Int) -> JSONText {
    let trigger = contents.triggers[index]
    return .object([
      ("topic", .string(contents.topics[trigger.topic])), ("event", .string(trigger.event)),
      ("function", .string(contents.modules[trigger.module].name)),
      ("options", Self.json(wiring.options(ofTrigger: index))),
    ])
  }

  private static func json(_ schedule: EventWiring.Schedule) -> JSONText {
    .object([
      ("name", .string(schedule.name)), ("when", .string(schedule.time)),
      ("function", schedule.function.map { .string($0) } ?? .null),
      ("topic", schedule.topic.map { .string($0) } ?? .null), ("options", json(schedule.options)),
    ])
  }

  /// Filters, schemas and payloads are JSON already.
  private static func json(_ options: [ArtifactContents.Setting]) -> JSONText {
    .object(
      options.map { option in
        if ["filter", "payload", "schema"].contains(option.key), case .string(let text) = option.value {
          return (option.key, .encoded(text))
        }
        return (option.key, json(option.value))
      })
  }

  private static func json(_ value: ArtifactContents.SettingValue) -> JSONText {
    switch value {
    case .string(let text): .string(text)
    case .integer(let number): .integer(Int(number))
    case .boolean(let flag): .boolean(flag)
    case .float(let number): .float(number)
    }
  }

  /// `batch 100, filter […]`.
  private static func text(_ options: [ArtifactContents.Setting]) -> String {
    options.map { "\($0.key) \(text($0.value))" }.joined(separator: ", ")
  }

  private static func text(_ value: ArtifactContents.SettingValue) -> String { EventWiring.text(value) }

  private static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
