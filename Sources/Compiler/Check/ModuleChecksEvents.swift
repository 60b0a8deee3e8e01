// Event loops: a topic whose triggers append, directly or through other topics, to it again. Each event then
// makes another one for ever. What a trigger appends to is read off its module, the modules it requires and
// the functions it calls. A filter or a transaction does not end a loop for sure, so neither counts here. A
// schedule is no part of a loop, since no event leads to it, but it may be what begins one again and again.

extension ModuleChecks {
  /// An event of a topic leads to one of another.
  private struct EventEdge {
    var target: Int
    var trigger: AppConfig.TriggerEntry
    /// Modules from the trigger's to the one that appends.
    var chain: [Int]
    var append: ModuleFacts.Reference
  }

  mutating func checkEventLoops() {
    guard let config, let configPath = scan.configPath else { return }
    let topics = config.topics.map(\.value)
    let indexes = Dictionary(topics.enumerated().map { ($1, $0) }) { first, _ in first }
    var edges = [[EventEdge]](repeating: [], count: topics.count)
    for trigger in config.triggers {
      guard let topic = indexes[trigger.topic.value], let module = handler(trigger.function.value) else {
        continue
      }
      for (chain, append) in appends(from: module) {
        guard let target = indexes[append.name] else { continue }
        edges[topic].append(EventEdge(target: target, trigger: trigger, chain: chain, append: append))
      }
    }
    let starts = scheduledAppends(config)
    for group in StronglyConnected.groups(count: topics.count, edges: { edges[$0].map(\.target) }) {
      let members = Set(group)
      // The topic whose name comes first begins, so that the order of the configuration does not matter.
      guard let start = group.min(by: { ByteOrder.precedes(topics[$0], topics[$1]) }),
        let steps = ShortestCycle.find(
          from: start,
          edges: { node in
            edges[node].indices.filter { members.contains(edges[node][$0].target) }
              .map { (edges[node][$0].target, $0) }
          })
      else { continue }
      var loop = eventLoop(
        steps.map { (topics[$0.node], edges[$0.node][$0.label]) }, configPath: configPath)
      let names = Set(members.map { topics[$0] })
      if let start = starts.first(where: { names.contains($0.topic) }) {
        loop.notes.append(
          .init(
            "the schedule '\(start.schedule.name.value)' appends to '\(start.topic)' and begins it each time",
            at: SourceLocation(path: configPath, range: start.schedule.name.range)))
      }
      diagnostics.append(loop)
    }
  }

  /// Topics that schedules append to, by themselves or by the functions they run.
  private func scheduledAppends(
    _ config: AppConfig
  ) -> [(schedule: AppConfig.ScheduleEntry, topic: String)] {
    config.schedules.flatMap { schedule in
      let module = schedule.function.flatMap { scan.function(named: $0.value) }
      let topics =
        (schedule.topic.map { [$0.value] } ?? [])
        + (module.map { appends(from: $0) } ?? []).map(\.append.name)
      return topics.map { (schedule, $0) }
    }
  }

  /// The module that a trigger runs.
  func handler(_ name: String) -> Int? {
    if let module = scan.function(named: name) { return module }
    return TriggerRoute.entry(named: name, in: entries).flatMap { scan.function(named: $0.function) }
  }

  /// The appends that running `module` can come to, each with the way there; a module is visited once, on a
  /// shortest way.
  private func appends(from module: Int) -> [(chain: [Int], append: ModuleFacts.Reference)] {
    var found: [(chain: [Int], append: ModuleFacts.Reference)] = []
    var chains: [Int: [Int]] = [module: [module]]
    var queue = [module]
    var position = 0
    while position < queue.count {
      let current = queue[position]
      position += 1
      guard let facts = facts[current], let chain = chains[current] else { continue }
      for append in facts.appends { found.append((chain, append)) }
      let targets =
        facts.requires.map { scan.resolve(require: $0.reference.name) }
        + facts.calls.map { scan.function(named: $0.name) }
      for case let target? in targets where chains[target] == nil {
        chains[target] = chain + [target]
        queue.append(target)
      }
    }
    return found
  }

  private func eventLoop(_ steps: [(topic: String, edge: EventEdge)], configPath: String) -> Diagnostic {
    var notes: [Diagnostic.Note] = []
    for (topic, edge) in steps.prefix(CompilerLimits.cycleStepsMax) {
      notes.append(
        .init(
          "an event of '\(topic)' runs '\(edge.trigger.function.value)'",
          at: SourceLocation(path: configPath, range: edge.trigger.function.range)))
      let modules = edge.chain.map { "'\(scan.modules[$0].path)'" }
      let way = modules.count == 1 ? modules[0] : way(modules)
      notes.append(.init("\(way) appends to '\(edge.append.name)'", at: place(edge)))
    }
    let last = steps[steps.count - 1].edge
    let first = steps[0].topic
    return Diagnostic(
      .eventLoop, .warning,
      steps.count == 1
        ? "an event loop: each event of '\(first)' leads to another one of '\(first)'"
        : "an event loop over \(steps.count) topics: each event of '\(first)' leads to another one of '\(first)'",
      at: place(last), notes: notes,
      hint: "append only under a condition that ends, and silence this line with "
        + "`-- spacer: ignore \(DiagnosticID.eventLoop.rawValue)`")
  }

  /// `'a' uses 'b', which uses 'c', which`.
  private func way(_ modules: [String]) -> String {
    modules[0] + " uses " + modules.dropFirst().joined(separator: ", which uses ") + ", which"
  }

  private func place(_ edge: EventEdge) -> SourceLocation {
    SourceLocation(path: scan.modules[edge.chain[edge.chain.count - 1]].path, range: edge.append.range)
  }
}
