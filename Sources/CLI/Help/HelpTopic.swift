// `spacer help TOPIC`: what is no command and still worth reading in a terminal. What has a table in the
// compiler (keys, routes, diagnostics) is printed from it, the rest is in `HelpPages`.

import SpacerCompiler

/// A topic of `spacer help`.
enum HelpTopic: String, CaseIterable {
  case functions, gateway, config, topics, deploying, environment
  case exitCodes = "exit-codes"
  case diagnostics

  /// One line for the list.
  var summary: String {
    switch self {
    case .functions: "what a function gets, and what it returns"
    case .gateway: "routes: app/gateway.lua"
    case .config: "keys of application.yml, or a part: 'help config limits'"
    case .topics: "events: topics, triggers, schedules"
    case .deploying: "from a project to a server"
    case .environment: "the variables that Spacer reads"
    case .exitCodes: "how commands end"
    case .diagnostics: "names in [brackets]; 'help NAME' explains one"
    }
  }

  static let list = allCases.map { topic in
    "  " + topic.rawValue + String(repeating: " ", count: 24 - topic.rawValue.count - 2) + topic.summary
  }.joined(separator: "\n")

  /// All that can be asked for besides commands.
  static let names = allCases.map(\.rawValue) + DiagnosticID.allCases.map(\.rawValue)

  /// What `spacer help` is asked for, as text; nil when that is a command or nothing.
  static func answer(to words: ArraySlice<String>) throws(CommandFailure) -> String? {
    guard words.first == "help", let asked = words.dropFirst().first else { return nil }
    let rest = words.dropFirst(2)
    if let topic = HelpTopic(rawValue: asked) {
      guard rest.isEmpty || topic == .config && rest.count == 1 else {
        throw CommandFailure(
          status: ExitStatus.usage, message: "'help \(asked)' takes nothing more, not '\(rest.last ?? "")'")
      }
      return try topic.text(part: rest.first)
    }
    if rest.isEmpty, let id = DiagnosticID(rawValue: asked) {
      return "\(id.rawValue)\n\n" + HelpText.paragraph(id.explanation)
    }
    return nil
  }

  private func text(part: String?) throws(CommandFailure) -> String {
    switch self {
    case .functions: HelpText.page(HelpPages.functions)
    case .gateway: Self.gatewayText
    case .config: try Self.configuration(below: part)
    case .topics: HelpText.page(HelpPages.topics)
    case .deploying: HelpText.page(HelpPages.deploying)
    case .environment: HelpText.page(HelpPages.environment)
    case .exitCodes: HelpText.page(HelpPages.exitCodes)
    case .diagnostics: Self.diagnosticsText
    }
  }

  private static var gatewayText: String {
    var text = HelpText.page(HelpPages.gateway) + "\n"
    for field in GatewaySchema.fields {
      text += HelpText.definition("\(field.name): \(field.kind)", field.summary)
    }
    text += "\n" + HelpText.paragraph("Methods: \(GatewaySchema.methods.joined(separator: ", ")).")
    text += "\nSegments of a path, in the order in which they are tried:\n\n"
    for segment in GatewaySchema.segments {
      text += HelpText.definition("\(segment.form), as in \(segment.example)", segment.summary)
    }
    let bounds = GatewaySchema.bounds.map { "\(GatewaySchema.grouped($0.most)) \($0.subject)" }
    return text + "\n" + HelpText.paragraph("At most: \(bounds.joined(separator: "; ")).")
  }

  /// The keys whose path is `part`, begins with it, or ends in it.
  private static func configuration(below part: String?) throws(CommandFailure) -> String {
    let all = ConfigSchema.referenceEntries
    var entries = all
    if let part {
      entries = all.filter { $0.path == part || $0.path.hasPrefix(part + ".") }
      if entries.isEmpty { entries = all.filter { $0.path.hasSuffix("." + part) } }
      guard !entries.isEmpty else {
        let names = Set(all.flatMap { [$0.path, String($0.path.split(separator: ".").last ?? "")] })
        let hint = NearestName.find(part, in: names.sorted()).map { "did you mean '\($0)'?" }
        throw CommandFailure(
          status: ExitStatus.usage,
          message: "application.yml has no key '\(part)'; \(hint ?? "'spacer help config' lists them")")
      }
    }
    var text = part == nil ? HelpText.page(HelpPages.configuration) + "\n" : ""
    for entry in entries {
      let standard = entry.defaultText == "—" ? "" : ", default: \(entry.defaultText)"
      text += HelpText.definition("\(entry.path): \(entry.kind)\(standard)", entry.summary)
    }
    return text
  }

  private static var diagnosticsText: String {
    var text = HelpText.page(HelpPages.diagnostics) + "\n"
    for id in DiagnosticID.allCases.sorted(by: { $0.rawValue < $1.rawValue }) { text += "  \(id.rawValue)\n" }
    return text
  }
}
