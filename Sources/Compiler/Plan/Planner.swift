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
        settings: (config.settings + options + schedules).sorted { ByteOrder.precedes($0.key, $1.key) }))
  }

  /// The triggers in the order that the artifact gives them: by the bytes of their topics and events, then the
  /// file's. Their options are found by their place in it.
  private func wiring(
    _ topicPlaces: [String: Int], _ places: [Int?]
  ) -> [(trigger: ArtifactContents.Trigger, options: [ArtifactContents.Setting])] {
    let ordered = config.triggers.enumerated().sorted { a, b in
      let (first, second) = (a.element, b.element)
      if first.topic.value != second.topic.value {
        return ByteOrder.precedes(first.topic.value, second.topic.value)
      }
      if first.event.value != second.event.value {
        return ByteOrder.precedes(first.event.value, second.event.value)
      }
      return a.offset < b.offset
    }
    return ordered.compactMap { _, trigger in
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

  /// `schedules.0.name` and so on.
  private var schedules: [ArtifactContents.Setting] {
    config.schedules.enumerated().flatMap { index, schedule in
      var settings = schedule.options
      settings.append(.init(key: "name", value: .string(schedule.name.value)))
      if let function = schedule.function.flatMap({ scan.function(named: $0.value) }) {
        settings.append(.init(key: "function", value: .string(scan.modules[function].name)))
      }
      if let topic = schedule.topic { settings.append(.init(key: "topic", value: .string(topic.value))) }
      return settings.below("schedules.\(index)")
    }
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
