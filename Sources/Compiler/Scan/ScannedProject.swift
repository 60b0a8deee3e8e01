// The result of scanning: which files are modules, under which names, and how a `require` finds them.
//
// A module's name is its path under app/ or lib/ without `.lua`. `require` treats `.` and `/` alike, so
// modules are found by their *key*, the name with every `.` turned into `/`.

package import SpacerArtifact

/// A project's files, sorted out.
package struct ScannedProject: Equatable, Sendable {
  /// One Lua file that can be part of the artifact.
  package struct Module: Equatable, Hashable, Sendable {
    /// `controllers/users/get`, `private/secret`, `helper`.
    package var name: String
    /// `app/controllers/users/get.lua`.
    package var path: String
    package var kind: ArtifactContents.ModuleKind

    package init(name: String, path: String, kind: ArtifactContents.ModuleKind) {
      self.name = name
      self.path = path
      self.kind = kind
    }
  }

  /// In byte order of their paths, app/gateway.lua and the original's runtime left out.
  package let modules: [Module]
  /// `app/gateway.lua`, when it exists.
  package let gatewayPath: String?
  /// `config/application.yml`, when it exists.
  package let configPath: String?
  /// Paths of the original's runtime files, left out of `modules`.
  package let originalRuntime: [String]
  package let diagnostics: [Diagnostic]

  /// Indexes into `modules`, by key.
  private let functionsByKey: [String: Int]
  private let librariesByKey: [String: Int]

  package init(
    modules: [Module], gatewayPath: String? = nil, configPath: String? = nil, originalRuntime: [String] = [],
    diagnostics: [Diagnostic] = []
  ) {
    self.modules = modules
    self.gatewayPath = gatewayPath
    self.configPath = configPath
    self.originalRuntime = originalRuntime
    self.diagnostics = diagnostics
    var functions: [String: Int] = [:]
    var libraries: [String: Int] = [:]
    for (index, module) in modules.enumerated() {
      let key = Self.key(module.name)
      if module.kind == .library {
        if libraries[key] == nil { libraries[key] = index }
      } else if functions[key] == nil {
        functions[key] = index
      }
    }
    functionsByKey = functions
    librariesByKey = libraries
  }

  /// The key of a name as `require` or a route writes it.
  package static func key(_ name: String) -> String {
    guard name.utf8.contains(0x2E) else { return name }
    return String(decoding: name.utf8.map { $0 == 0x2E ? 0x2F : $0 }, as: UTF8.self)
  }

  /// The index of the module that `require name` loads: app/ before lib/, and in each the file itself before
  /// a folder's `init.lua`. Nil when the project has none; a built-in module may then answer.
  package func resolve(require name: String) -> Int? {
    let key = Self.key(name)
    if let index = functionsByKey[key] { return index }
    let folder = key + "/init"
    return functionsByKey[folder] ?? librariesByKey[key] ?? librariesByKey[folder]
  }

  /// The index of the function that a route, a trigger or `flow.call` names, private ones included. A leading
  /// slash is accepted, as the original did.
  package func function(named name: String) -> Int? {
    let name = name.hasPrefix("/") ? String(name.dropFirst()) : name
    return functionsByKey[Self.key(name)]
  }
}
