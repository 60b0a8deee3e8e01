// What of a configuration only counts when `dev` starts: where it listens. A reload cannot apply it, so the
// user is told, but only of a change that a restart would really bring: options on the command line win over
// the configuration, before a restart and after.

import SpacerArtifact
import SpacerRuntime

/// The settings that take effect at start, as they are written (references to the environment included).
struct StartSettings: Equatable {
  private static let listenKey = "listen"
  private static let invokerKey = "functionInvoker"
  /// Whether there is TLS: its files may change with any reload.
  private static let tlsKey = "tls"
  private static let otherKeys = ["writeProxyListen"]

  /// Texts by the key of the setting or of the list or mapping it is in, in the order of their keys.
  private var values: [String: [String]] = [:]

  /// Takes what matters of an artifact's settings.
  init(_ settings: [ArtifactContents.Setting], options: ServeOptions) {
    for setting in settings {
      let key = String(setting.key.prefix { $0 != "." })
      switch key {
      case Self.listenKey where options.host == nil: break
      case Self.invokerKey where options.port == nil: break
      case Self.tlsKey:
        values[key] = []
        continue
      case _ where Self.otherKeys.contains(key): break
      default: continue
      }
      values[key, default: []].append(Self.text(setting.value))
    }
  }

  /// The sentence to print when `new` replaces these; nil when a restart would change nothing.
  func notice(replacedBy new: StartSettings) -> String? {
    let changed = Set(values.keys).union(new.values.keys).filter { values[$0] != new.values[$0] }
    guard !changed.isEmpty else { return nil }
    // Addresses under `listen` stand in place of the invoker's port.
    if changed.contains(Self.listenKey) || changed.contains(Self.invokerKey) {
      let places = new.values[Self.listenKey] ?? new.values[Self.invokerKey] ?? ["the default port"]
      return "restart dev to listen on \(places.joined(separator: ", "))"
    }
    return "restart dev to listen with the changed \(changed.sorted().joined(separator: " and "))"
  }

  private static func text(_ value: ArtifactContents.SettingValue) -> String {
    switch value {
    case .string(let text): text
    case .integer(let number): String(number)
    case .boolean(let flag): String(flag)
    case .float(let number): String(number)
    }
  }
}
