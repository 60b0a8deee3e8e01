// What changed from one artifact to another, as a list of findings, each with whether it breaks callers: those who
// send requests, append events, call functions by name, or deploy the application with the environment it had.
//
// When in doubt a change counts as breaking: it is cheaper to look at one too many than to miss one.

import SpacerArtifact
import SpacerCompiler

/// The comparison of two artifacts.
struct ArtifactDiff {
  /// What a change is about, in the order of printing.
  enum Area: String, CaseIterable {
    case application, routes, functions, capabilities, topics, triggers, schedules, environment, settings
  }

  enum Kind: String {
    case added, removed, changed

    var mark: String {
      switch self {
      case .added: "+"
      case .removed: "-"
      case .changed: "~"
      }
    }
  }

  /// One difference.
  struct Change: Equatable {
    var area: Area
    var kind: Kind
    /// What changed: `GET /users/:id`, `orders`.
    var subject: String
    /// How, and what follows from it; empty when there is nothing to add.
    var detail: String
    var isBreaking: Bool
  }

  /// By area; within one, removed and changed things stand in the old artifact's order, added ones after them.
  let changes: [Change]
  /// What could not be compared; sentences.
  let notes: [String]

  var isBreaking: Bool { changes.contains(where: \.isBreaking) }

  init(_ old: ArtifactFile, _ new: ArtifactFile) {
    var changes = RouteDiff(old, new).changes
    changes += FunctionDiff(old.contents, new.contents).changes
    changes += EventDiff(old.contents, new.contents).changes
    changes += ConfigurationDiff(old.contents, new.contents).changes
    self.changes = Area.allCases.flatMap { area in changes.filter { $0.area == area } }
    var notes: [String] = []
    for (file, which) in [(old, "old"), (new, "new")] where !file.contents.hasCapabilities {
      notes.append(
        "the \(which) artifact says nothing of what its functions reach: an earlier Spacer built it")
    }
    self.notes = notes
  }

  // MARK: Output

  func text(useColor: Bool) -> String {
    var lines: [String] = []
    for area in Area.allCases {
      let changes = changes.filter { $0.area == area }
      if changes.isEmpty { continue }
      if !lines.isEmpty { lines.append("") }
      lines.append(area.rawValue)
      for change in changes { lines.append("  " + Self.line(change, useColor: useColor)) }
    }
    if !lines.isEmpty { lines.append("") }
    for note in notes { lines.append("note: \(note)") }
    lines.append(summary)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func line(_ change: Change, useColor: Bool) -> String {
    var text = "\(change.kind.mark) \(change.subject)"
    if !change.detail.isEmpty { text += ": \(change.detail)" }
    guard change.isBreaking else { return text }
    return text + (useColor ? " \u{1B}[1;31m[breaking]\u{1B}[0m" : " [breaking]")
  }

  private var summary: String {
    if changes.isEmpty { return "no changes" }
    let count = changes.count == 1 ? "1 change" : "\(changes.count) changes"
    let breaking = changes.count { $0.isBreaking }
    return breaking == 0 ? "\(count), none of them breaking" : "\(count), \(breaking) breaking"
  }

  var json: JSONText {
    .object([
      ("isBreaking", .boolean(isBreaking)),
      (
        "changes",
        .array(
          changes.map { change in
            .object([
              ("area", .string(change.area.rawValue)), ("change", .string(change.kind.rawValue)),
              ("subject", .string(change.subject)), ("detail", .string(change.detail)),
              ("isBreaking", .boolean(change.isBreaking)),
            ])
          })
      ),
      ("notes", .strings(notes)),
    ])
  }
}
