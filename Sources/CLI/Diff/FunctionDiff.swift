// Functions that came, went or changed, and what each of them can reach. Libraries have no callers but the
// application itself: a change of one shows in the functions that require it.

import SpacerArtifact

/// The comparison of two artifacts' functions.
struct FunctionDiff {
  private let old: ArtifactContents
  private let new: ArtifactContents
  /// By name; functions stand first among the modules.
  private let oldIndexes: [String: Int]
  private let newIndexes: [String: Int]
  private(set) var changes: [ArtifactDiff.Change] = []

  init(_ old: ArtifactContents, _ new: ArtifactContents) {
    self.old = old
    self.new = new
    oldIndexes = Self.indexes(old)
    newIndexes = Self.indexes(new)
    for (index, module) in old.modules.enumerated() where module.kind != .library {
      guard let other = newIndexes[module.name] else {
        changes.append(
          .init(
            area: .functions, kind: .removed, subject: module.name, detail: callers(of: module.name, index),
            isBreaking: true))
        continue
      }
      compare(module.name, index, other)
    }
    for (index, module) in new.modules.enumerated()
    where module.kind != .library && oldIndexes[module.name] == nil {
      changes.append(
        .init(area: .functions, kind: .added, subject: module.name, detail: "", isBreaking: false))
      compareReach(module.name, nil, index)
    }
  }

  private static func indexes(_ contents: ArtifactContents) -> [String: Int] {
    Dictionary(
      contents.modules.enumerated().filter { $1.kind != .library }.map { ($1.name, $0) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Who can no longer call it.
  private func callers(of name: String, _ index: Int) -> String {
    let inside = new.modules.filter { module in
      module.kind != .library && module.calls.contains(name)
    }.map(\.name)
    if !inside.isEmpty { return "'\(inside.joined(separator: "', '"))' still calls it" }
    return old.modules[index].kind == .privateFunction
      ? "flow.call, loopback and the internal token reached it by its name"
      : "flow.call and the internal token reached it by its name"
  }

  // MARK: Code

  private mutating func compare(_ name: String, _ before: Int, _ after: Int) {
    var reasons: [String] = []
    if old.modules[before].contentHash != new.modules[after].contentHash { reasons.append("its code") }
    let (mine, theirs) = (hashes(old, before), hashes(new, after))
    let paths = Set(mine.keys).union(theirs.keys).filter { mine[$0] != theirs[$0] }.sorted()
    if !paths.isEmpty { reasons.append("what it requires: " + paths.joined(separator: ", ")) }
    if !reasons.isEmpty {
      changes.append(
        .init(
          area: .functions, kind: .changed, subject: name, detail: reasons.joined(separator: ", and "),
          isBreaking: false))
    }
    compareValidations(name, before, after)
    compareReach(name, before, after)
  }

  /// By path: hashes of what a module requires, itself aside.
  private func hashes(_ contents: ArtifactContents, _ index: Int) -> [String: UInt64] {
    Dictionary(
      contents.required(by: index).dropFirst().map {
        (contents.modules[$0].path, contents.modules[$0].contentHash)
      }, uniquingKeysWith: { first, _ in first })
  }

  private mutating func compareValidations(_ name: String, _ before: Int, _ after: Int) {
    let was = old.modules[before].validations.map(\.description)
    let now = new.modules[after].validations.map(\.description)
    guard was != now else { return }
    let added = now.filter { !was.contains($0) }
    let removed = was.filter { !now.contains($0) }
    var parts: [String] = []
    if !removed.isEmpty { parts.append("no longer \(removed.joined(separator: ", "))") }
    if !added.isEmpty { parts.append("now \(added.joined(separator: ", "))") }
    let refusals = Self.refusals(was, now, added)
    if !refusals.isEmpty { parts = refusals }
    if parts.isEmpty { parts = ["in another order"] }
    changes.append(
      .init(
        area: .functions, kind: .changed, subject: name,
        detail: "the arguments that it validates: " + parts.joined(separator: ", "),
        isBreaking: !refusals.isEmpty))
  }

  /// What descriptions in the place of others refuse that was taken.
  private static func refusals(_ was: [String], _ now: [String], _ added: [String]) -> [String] {
    // Which one took the place of which is told by nothing but their order.
    guard was.count == now.count else { return added.map { "now \($0)" } }
    return zip(was, now).flatMap { DescriptionChange(old: $0, new: $1).refusals }
  }

  // MARK: Reach

  private mutating func compareReach(_ name: String, _ before: Int?, _ after: Int) {
    guard new.hasCapabilities, before == nil || old.hasCapabilities else { return }
    let was = before.map { old.reach(ofModule: $0) }
    let now = new.reach(ofModule: after)
    let known = Set(was?.capabilities ?? [])
    for capability in now.capabilities where !known.contains(capability) {
      addReach(name, .added, "reaches \(capability.text)")
    }
    for capability in was?.capabilities ?? [] where !now.capabilities.contains(capability) {
      addReach(name, .removed, "no longer reaches \(capability.text)")
    }
    for module in now.builtins where !(was?.builtins.contains(module) ?? false) {
      addReach(name, .added, "uses the module \(module)")
    }
    for module in was?.builtins ?? [] where !now.builtins.contains(module) {
      addReach(name, .removed, "no longer uses the module \(module)")
    }
  }

  private mutating func addReach(_ name: String, _ kind: ArtifactDiff.Kind, _ detail: String) {
    changes.append(
      .init(area: .capabilities, kind: kind, subject: name, detail: detail, isBreaking: false))
  }
}

extension ArtifactContents.Capability {
  /// For people: `topic orders`, `any topic`.
  var text: String {
    let noun =
      switch kind {
      case .http: "server"
      case .topic: "topic"
      case .function: "function"
      case .database: "database"
      case .variable: "environment variable"
      case .optionalVariable: "optional environment variable"
      case .module: "module"
      case .host: "host function"
      }
    return target.map { "\(noun) \($0)" } ?? "any \(noun)"
  }
}
