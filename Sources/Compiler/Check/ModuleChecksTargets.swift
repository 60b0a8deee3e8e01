// Names of functions in routes, triggers, schedules and `flow.call`: the function exists, may be named there, and its
// file returns a function.

internal import SpacerArtifact

extension ModuleChecks {
  /// A place that uses a module as a function.
  private struct Use {
    var module: Int
    var place: SourceLocation
    var description: String
    var isGuarded = false
  }

  mutating func checkTargets() {
    var uses: [Use] = []
    checkRouteFunctions(&uses)
    checkTriggerFunctions(&uses)
    checkTriggersOfOneFunction()
    checkScheduleFunctions(&uses)
    checkCallees(&uses)
    addPrivateFunctions(&uses)
    checkShapes(uses)
  }

  private mutating func checkRouteFunctions(_ uses: inout [Use]) {
    for entry in entries {
      let place = entry.places.function
      guard let module = scan.function(named: entry.function) else {
        let plain = functionName(fromPath: entry.function)
        let nearest = NearestName.find(entry.function, in: functionNames(withPrivate: false))
        diagnostics.append(
          Diagnostic(
            .unknownFunction, .error,
            "no function named '\(entry.function)': there is no app/\(entry.function).lua", at: place,
            hint: plain.map { "write '\($0)'" } ?? Self.hint(nearest),
            fix: literalFix(place, plain ?? nearest)))
        continue
      }
      if scan.modules[module].kind == .privateFunction {
        diagnostics.append(
          Diagnostic(
            .privateRoute, .error, "a route leads to the private function '\(entry.function)'", at: place,
            hint: "functions under app/private/ are for this machine only: move the file, or call it with "
              + "flow.call from the routed function"))
      }
      uses.append(Use(module: module, place: place, description: "routed here"))
    }
  }

  /// The function that `app/hello`, `hello.lua` and the like mean.
  private func functionName(fromPath path: String) -> String? {
    let name = Self.nameWithoutPath(path)
    return name == path || scan.function(named: name) == nil ? nil : name
  }

  /// Only where the place is the literal itself.
  private func literalFix(_ place: SourceLocation, _ name: String?) -> Diagnostic.Fix? {
    guard place.path == scan.gatewayPath, let range = place.range else { return nil }
    return Self.fix(range, name)
  }

  private mutating func checkTriggerFunctions(_ uses: inout [Use]) {
    guard let config, let path = scan.configPath else { return }
    for trigger in config.triggers {
      let name = trigger.function.value
      let place = SourceLocation(path: path, range: trigger.function.range)
      if let module = scan.function(named: name) {
        uses.append(Use(module: module, place: place, description: "triggered here"))
      } else if let entry = TriggerRoute.entry(named: name, in: entries) {
        diagnostics.append(
          Diagnostic(
            .triggerRoute, .note,
            "no function is named '\(name)': the trigger runs what POST \(entry.pattern) is routed to, "
              + "'\(entry.function)'", at: place, notes: [.init("the route", at: entry.places.entry)],
            hint: "name the function itself: '\(entry.function)'"))
      } else {
        let nearest = NearestName.find(name, in: functionNames(withPrivate: true))
        diagnostics.append(
          Diagnostic(
            .unknownFunction, .error,
            "no function named '\(name)' for the trigger: there is no app/\(name).lua, and POST /\(name) is "
              + "not routed", at: place, hint: Self.hint(nearest)))
      }
    }
  }

  /// Names may differ, `/bill` and `bill` or a route's, and mean one function.
  private mutating func checkTriggersOfOneFunction() {
    guard let config, let path = scan.configPath else { return }
    var first: [String: AppConfig.TriggerEntry] = [:]
    for trigger in config.triggers {
      guard let module = handler(trigger.function.value) else { continue }
      let key = "\(trigger.topic.value) \(trigger.event.value) \(module)"
      guard let other = first[key] else {
        first[key] = trigger
        continue
      }
      let name = scan.modules[module].name
      diagnostics.append(
        Diagnostic(
          .duplicateTrigger, .error, "the trigger '\(name)' is listed twice for '\(trigger.topic.value)'",
          at: SourceLocation(path: path, range: trigger.function.range),
          notes: [.init("the first", at: SourceLocation(path: path, range: other.function.range))],
          hint: "an event runs each function once: keep one of the two"))
    }
  }

  private mutating func checkScheduleFunctions(_ uses: inout [Use]) {
    guard let config, let path = scan.configPath else { return }
    for schedule in config.schedules {
      guard let function = schedule.function else { continue }
      let place = SourceLocation(path: path, range: function.range)
      if let module = scan.function(named: function.value) {
        uses.append(Use(module: module, place: place, description: "scheduled here"))
        continue
      }
      let nearest = NearestName.find(function.value, in: functionNames(withPrivate: true))
      diagnostics.append(
        Diagnostic(
          .unknownFunction, .error,
          "no function named '\(function.value)' for the schedule '\(schedule.name.value)': there is no "
            + "app/\(function.value).lua", at: place, hint: Self.hint(nearest),
          fix: nearest.map { Diagnostic.Fix(range: function.range, replacement: $0) }))
    }
  }

  private mutating func checkCallees(_ uses: inout [Use]) {
    for (path, facts) in files {
      for call in facts.calls {
        let place = SourceLocation(path: path, range: call.range)
        if let module = scan.function(named: call.name) {
          uses.append(
            Use(module: module, place: place, description: "called here", isGuarded: call.isGuarded))
          continue
        }
        let nearest = NearestName.find(call.name, in: functionNames(withPrivate: true))
        diagnostics.append(
          Diagnostic(
            .unknownCallee, Self.severity(call),
            "flow.call names '\(call.name)', and there is no app/\(call.name).lua", at: place,
            hint: Self.hint(nearest), fix: Self.fix(call.range, nearest)))
      }
    }
  }

  /// A private file can be called as soon as it exists, unless others use it as a library.
  private func addPrivateFunctions(_ uses: inout [Use]) {
    var required: Set<Int> = []
    for (_, facts) in files {
      for require in facts.requires {
        if let module = scan.resolve(require: require.reference.name) { required.insert(module) }
      }
    }
    for (index, module) in scan.modules.enumerated()
    where module.kind == .privateFunction && !required.contains(index) {
      uses.append(
        Use(
          module: index, place: SourceLocation(path: module.path),
          description: "every file under app/private/ is a function"))
    }
  }

  private mutating func checkShapes(_ uses: [Use]) {
    let byModule = Dictionary(grouping: uses, by: \.module)
    for module in byModule.keys.sorted() {
      guard let facts = facts[module], let uses = byModule[module] else { continue }
      let what: String
      switch facts.returnShape {
      case .notAFunction: what = "does not return one"
      case .nothing: what = "returns nothing"
      case .function, .unknown: continue
      }
      let path = scan.modules[module].path
      // One place shows what is meant; a module with many routes does not need them all.
      let use = uses.first { !$0.isGuarded } ?? uses[0]
      let isFile = use.place.range == nil
      diagnostics.append(
        Diagnostic(
          .notAFunction, use.isGuarded ? .warning : .error,
          "'\(path)' is used as a function but \(what)",
          at: SourceLocation(path: path, range: facts.returnRange),
          notes: [Diagnostic.Note(use.description, at: isFile ? nil : use.place)],
          hint: facts.unreturnedFunction.map { "add 'return \($0.name)' at the end" }
            ?? "end the file with `return function (args) … end`"))
    }
  }
}

/// The original let a trigger name a route instead of a function.
enum TriggerRoute {
  /// The entry for `POST /NAME`.
  static func entry(named name: String, in entries: [GatewayEntry]) -> GatewayEntry? {
    let pattern = "/" + name.drop { $0 == "/" }
    return entries.first { $0.pattern == pattern && $0.methods.contains(RouteMethods(.post)) }
  }
}
