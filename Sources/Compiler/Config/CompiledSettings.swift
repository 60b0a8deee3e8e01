// Values under `topics`, `events` and `schedules` are checked with all others, but the artifact holds them under
// keys of its own. Here they are parted from the settings that stay as they are.

internal import SpacerArtifact

/// The settings that the compiler regroups, by who they belong to.
struct CompiledSettings {
  /// The keys of the file that hold them.
  static let roots: Set<String> = ["topics", "events", "schedules"]

  /// Everything else.
  let others: [ArtifactContents.Setting]
  private let byOwner: [String: [ArtifactContents.Setting]]

  init(_ settings: [ArtifactContents.Setting]) {
    var others: [ArtifactContents.Setting] = []
    var byOwner: [String: [ArtifactContents.Setting]] = [:]
    for var setting in settings {
      guard Self.roots.contains(String(setting.key.prefix { $0 != "." })),
        let dot = setting.key.lastIndex(of: ".")
      else {
        others.append(setting)
        continue
      }
      let owner = String(setting.key[..<dot])
      setting.key = String(setting.key[setting.key.index(after: dot)...])
      byOwner[owner, default: []].append(setting)
    }
    self.others = others
    self.byOwner = byOwner
  }

  /// The options at `topics.orders`, `events.orders.APPEND.0` or `schedules.nightly`, by the bytes of their names.
  subscript(owner: String) -> [ArtifactContents.Setting] {
    (byOwner[owner] ?? []).sorted { ByteOrder.precedes($0.key, $1.key) }
  }
}

extension [ArtifactContents.Setting] {
  /// These below `prefix`.
  func below(_ prefix: String) -> [ArtifactContents.Setting] {
    map { ArtifactContents.Setting(key: "\(prefix).\($0.key)", value: $0.value) }
  }
}
