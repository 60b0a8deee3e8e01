// From checked facts to a plan. The order of everything that has none of its own is by bytes, so that equal
// projects give equal plans.

internal import SpacerArtifact
internal import SpacerLuaVM

/// Makes the plan of a project without errors.
struct Planner {
  let scan: ScannedProject
  let config: AppConfig
  /// By index of `scan.modules`; nil for what is no part of the artifact.
  let records: [ModuleRecord?]
  let entries: [GatewayEntry]
  let options: BuildOptions

  func plan() -> BuildPlan {
    // Places of the artifact's modules among the scanned ones, and back.
    let included = records.indices.filter { records[$0] != nil }
    var places = [Int?](repeating: nil, count: records.count)
    for (place, index) in included.enumerated() { places[index] = place }

    let modules = included.compactMap { index in
      records[index].map { module(scan.modules[index], $0, places: places) }
    }
    let topics = config.topics.map(\.value)
    let topicPlaces = Dictionary(topics.enumerated().map { ($1, $0) }) { first, _ in first }
    let routes = entries.compactMap { entry in
      place(ofFunction: entry.function, places).map {
        ArtifactContents.Route(
          methods: entry.methods, pattern: entry.pattern, module: $0, line: entry.places.gatewayLine)
      }
    }
    let triggers = wiring(topicPlaces, places)
    let options = triggers.enumerated().flatMap { $1.options.below("triggers.\($0)") }
    return BuildPlan(
      contents: ArtifactContents(
        appName: config.appName.value, spacerRelease: SpacerRelease.current,
        luaRelease: LuaHostState.luaRelease, architecture: ReaderIdentity.compiledArchitecture,
        isRelease: self.options.isRelease, environment: self.options.environment, modules: modules,
        routes: routes,
        topics: topics, triggers: triggers.map(\.trigger),
        environmentVariables: sortedNames(config.environmentVariables.map(\.value)),
        settings: (config.settings + options + schedules).sorted { ByteOrder.precedes($0.key, $1.key) },
        hasCapabilities: true))
  }

  /// The triggers in the order that the artifact gives them. Their options are found by their place in it.
  private func wiring(
    _ topicPlaces: [String: Int], _ places: [Int?]
  ) -> [(trigger: ArtifactContents.Trigger, options: [ArtifactContents.Setting])] {
    config.orderedTriggers.compactMap { trigger in
      let name = trigger.function.value
      let routed = TriggerRoute.entry(named: name, in: entries)?.function
      guard let topic = topicPlaces[trigger.topic.value],
        let module = place(ofFunction: name, places) ?? routed.flatMap({ place(ofFunction: $0, places) })
      else { return nil }
      return (
        ArtifactContents.Trigger(topic: topic, event: trigger.event.value, module: module), trigger.options
      )
    }
  }

  private var schedules: [ArtifactContents.Setting] {
    config.scheduleSettings { name in scan.function(named: name).map { scan.modules[$0].name } }
  }

  private func place(ofFunction name: String, _ places: [Int?]) -> Int? {
    scan.function(named: name).flatMap { places[$0] }
  }

  private func module(
    _ module: ScannedProject.Module, _ record: ModuleRecord, places: [Int?]
  ) -> ArtifactContents.Module {
    let names = record.facts.requires.map(\.reference.name)
    let resolved = names.map { scan.resolve(require: $0) }
    let requires = Set(resolved.compactMap { $0 }.compactMap { places[$0] })
    let builtins = zip(names, resolved).filter { $1 == nil && BuiltinModules.names.contains($0) }.map(\.0)
    // A module of the project's own comes before the built-in one.
    let validates = scan.resolve(require: "validate") == nil
    return ArtifactContents.Module(
      name: module.name, path: module.path, kind: module.kind, bytecode: [],
      contentHash: record.digest.shortened, requires: requires.sorted(), builtins: sortedNames(builtins),
      appends: sortedNames(record.facts.appends.map(\.name)),
      calls: sortedNames(record.facts.calls.map(\.name)),
      validations: validates
        ? record.facts.validations.map { .init(line: $0.line, description: $0.description) } : [],
      capabilities: capabilities(record.facts))
  }

  /// What the module's code reaches, with the database that `default` stands for.
  private func capabilities(_ facts: ModuleFacts) -> [ArtifactContents.Capability] {
    // A module of the project's own comes before the built-in one.
    let hidden: [ArtifactContents.Capability.Kind] =
      (scan.resolve(require: "http") == nil ? [] : [.http])
      + (scan.resolve(require: "db") == nil ? [] : [.database])
      + (scan.resolve(require: "host") == nil ? [] : [.host])
    var result = facts.capabilities.filter { !hidden.contains($0.kind) }
    if let only = onlyDatabase {
      for index in result.indices where result[index] == .init(.database, "default") {
        result[index].target = only
      }
    }
    return result.sorted(by: ArtifactContents.Capability.precedes)
  }

  /// The database's name when there is just one, which `default` then means whatever it is called.
  private var onlyDatabase: String? {
    let prefix = "databases."
    let names = Set(
      config.settings.filter { $0.key.hasPrefix(prefix) }.compactMap {
        $0.key.dropFirst(prefix.utf8.count).split(separator: ".").first.map(String.init)
      })
    return names.count == 1 ? names.first : nil
  }

  private func sortedNames(_ names: [String]) -> [String] {
    Set(names).sorted { ByteOrder.precedes($0, $1) }
  }
}
