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
    let triggers = config.triggers.compactMap { trigger -> ArtifactContents.Trigger? in
      let name = trigger.function.value
      let routed = TriggerRoute.entry(named: name, in: entries)?.function
      guard let topic = topicPlaces[trigger.topic.value],
        let module = place(ofFunction: name, places) ?? routed.flatMap({ place(ofFunction: $0, places) })
      else { return nil }
      return ArtifactContents.Trigger(topic: topic, event: trigger.event.value, module: module)
    }
    return BuildPlan(
      contents: ArtifactContents(
        appName: config.appName.value, spacerRelease: SpacerRelease.current,
        luaRelease: LuaHostState.luaRelease, architecture: ReaderIdentity.compiledArchitecture,
        isRelease: options.isRelease, environment: options.environment, modules: modules, routes: routes,
        topics: topics, triggers: triggers,
        environmentVariables: sortedNames(config.environmentVariables.map(\.value)),
        settings: config.settings))
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
        ? record.facts.validations.map { .init(line: $0.line, description: $0.description) } : [])
  }

  private func sortedNames(_ names: [String]) -> [String] {
    Set(names).sorted { ByteOrder.precedes($0, $1) }
  }
}
