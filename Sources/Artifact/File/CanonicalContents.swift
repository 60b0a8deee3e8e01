// Brings contents into the one order that an artifact has, whatever order they came in: modules by class and
// name, routes by pattern, topics, environment variables and settings by bytes, triggers by topic and event.
// The order of handlers on one topic and event is the configuration's and stays. Indexes are rewritten.

/// Checked and ordered contents, ready to be laid out.
struct CanonicalContents {
  let contents: ArtifactContents
  /// Functions stand first among the modules.
  let functionCount: Int

  init(_ given: ArtifactContents) throws(ArtifactError) {
    try Self.checkLimits(given)
    var result = given
    let moduleOrder = given.modules.indices.sorted { Self.precedes(given.modules[$0], given.modules[$1]) }
    let moduleIndexes = Self.inverse(moduleOrder)
    let modules = moduleOrder.map { given.modules[$0] }
    for (a, b) in zip(modules, modules.dropFirst()) where !Self.precedes(a, b) {
      throw .invalidContents("two modules are named '\(a.name)': '\(a.path)' and '\(b.path)'")
    }
    functionCount = modules.count { $0.kind != .library }
    result.modules = []
    for module in modules {
      result.modules.append(try Self.canonical(module, moduleIndexes))
    }
    let functions = functionCount
    let function = { (index: Int, user: String) throws(ArtifactError) -> Int in
      guard let new = moduleIndexes[checked: index], new < functions else {
        throw .invalidContents("\(user) names a module that is no function")
      }
      return new
    }
    result.routes = []
    for var route in given.routes {
      route.module = try function(route.module, "the route '\(route.pattern)'")
      result.routes.append(route)
    }
    result.routes = RouteTableBuilder.sorted(result.routes)
    let topicOrder = given.topics.indices.sorted { Self.precedes(given.topics[$0], given.topics[$1]) }
    let topicIndexes = Self.inverse(topicOrder)
    result.topics = try Self.sorted(given.topics, "topic")
    var triggers: [(position: Int, trigger: ArtifactContents.Trigger)] = []
    for (position, var trigger) in given.triggers.enumerated() {
      guard let topic = topicIndexes[checked: trigger.topic] else {
        throw .invalidContents("a trigger names a topic that does not exist")
      }
      trigger.topic = topic
      trigger.module = try function(trigger.module, "a trigger of the topic '\(result.topics[topic])'")
      triggers.append((position, trigger))
    }
    triggers.sort { a, b in
      if a.trigger.topic != b.trigger.topic { return a.trigger.topic < b.trigger.topic }
      if Self.precedes(a.trigger.event, b.trigger.event) { return true }
      if Self.precedes(b.trigger.event, a.trigger.event) { return false }
      return a.position < b.position
    }
    result.triggers = triggers.map(\.trigger)
    result.environmentVariables = try Self.sorted(given.environmentVariables, "environment variable")
    result.settings.sort { Self.precedes($0.key, $1.key) }
    for (a, b) in zip(result.settings, result.settings.dropFirst()) where a.key.utf8.elementsEqual(b.key.utf8)
    {
      throw .invalidContents("two settings are named '\(a.key)'")
    }
    contents = result
  }

  private static func canonical(
    _ module: ArtifactContents.Module, _ indexes: [Int]
  ) throws(ArtifactError) -> ArtifactContents.Module {
    var result = module
    var requires: Set<Int> = []
    for index in module.requires {
      guard let new = indexes[checked: index] else {
        throw .invalidContents("the module '\(module.name)' requires one that does not exist")
      }
      requires.insert(new)
    }
    result.requires = requires.sorted()
    result.builtins = distinct(module.builtins)
    result.appends = distinct(module.appends)
    result.calls = distinct(module.calls)
    result.capabilities = distinct(module.capabilities)
    for count in [requires.count, result.builtins.count, result.appends.count, result.calls.count]
    where count > Limits.moduleListMax {
      throw .invalidContents("the module '\(module.name)' refers to more than \(Limits.moduleListMax) others")
    }
    return result
  }

  private static func checkLimits(_ contents: ArtifactContents) throws(ArtifactError) {
    for (count, limit, what) in [
      (contents.modules.count, Limits.modulesMax, "modules"),
      (contents.routes.count, Limits.routesMax, "routes"),
      (contents.topics.count, Limits.topicsMax, "topics"),
      (contents.triggers.count, Limits.triggersMax, "triggers"),
      (contents.environmentVariables.count, Limits.environmentVariablesMax, "environment variables"),
      (contents.settings.count, Limits.settingsMax, "settings"),
      (contents.modules.reduce(0) { $0 + $1.validations.count }, Limits.validationsMax, "validations"),
      (contents.modules.reduce(0) { $0 + $1.capabilities.count }, Limits.capabilitiesMax, "capabilities"),
    ] where count > limit {
      throw .invalidContents("more than \(limit) \(what)")
    }
  }

  /// In byte order, each once.
  private static func distinct(_ texts: [String]) -> [String] {
    texts.sorted(by: precedes).reduce(into: []) { result, text in
      if let last = result.last, last.utf8.elementsEqual(text.utf8) { return }
      result.append(text)
    }
  }

  /// In the format's order, each once.
  private static func distinct(
    _ capabilities: [ArtifactContents.Capability]
  ) -> [ArtifactContents.Capability] {
    let precedes = ArtifactContents.Capability.precedes
    return capabilities.sorted(by: precedes).reduce(into: []) { result, capability in
      if let last = result.last, !precedes(last, capability) { return }
      result.append(capability)
    }
  }

  /// In byte order; refuses a name that occurs twice.
  private static func sorted(_ names: [String], _ what: String) throws(ArtifactError) -> [String] {
    let result = names.sorted(by: precedes)
    for (a, b) in zip(result, result.dropFirst()) where a.utf8.elementsEqual(b.utf8) {
      throw .invalidContents("two \(what)s are named '\(a)'")
    }
    return result
  }

  private static func precedes(_ a: ArtifactContents.Module, _ b: ArtifactContents.Module) -> Bool {
    let isLibrary = (a.kind == .library, b.kind == .library)
    if isLibrary.0 != isLibrary.1 { return isLibrary.1 }
    return precedes(a.name, b.name)
  }

  private static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

  /// Where each old index went, given the old index at each new place.
  private static func inverse(_ order: [Int]) -> [Int] {
    var result = order
    for (new, old) in order.enumerated() { result[old] = new }
    return result
  }
}

extension Array {
  fileprivate subscript(checked index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
