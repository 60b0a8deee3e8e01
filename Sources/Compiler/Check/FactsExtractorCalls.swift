// The third pass: calls with constant names, uses of globals, names of the original's engine.

extension FactsBuilder {
  mutating func collectFacts() {
    for index in 1..<max(1, tree.nodes.count) {
      let node = tree.nodes[index]
      switch node.kind {
      case .call: collectCall(UInt32(index), node)
      case .globalReference: collectGlobal(UInt32(index), node)
      case .index: collectIndex(UInt32(index), node)
      case .localStatement, .assignment: for value in tree.list(node.b) { escape(value) }
      case .tableItem: escape(node.a)
      case .tableNamed, .tableKeyed: escape(node.b)
      default: break
      }
    }
    forgetTestedMembers()
    if replacesEnvironment {
      facts.globalReads = []
      facts.globalWrites = []
    }
  }

  // MARK: Calls

  private mutating func collectCall(_ index: UInt32, _ node: Node) {
    let arguments = tree.list(node.b)
    let context = contexts[Int(index)]
    switch meaning(of: node.a) {
    case .pcall:
      guard let first = arguments.first else { return }
      collect(meaning(of: first), arguments.dropFirst(), index, context.union(.guarded))
    case .xpcall:
      guard let first = arguments.first else { return }
      collect(meaning(of: first), arguments.dropFirst(2), index, context.union(.guarded))
    case let callee: collect(callee, arguments, index, context)
    }
  }

  /// A call of what has the meaning `callee` with `arguments`; `call` is the whole expression.
  private mutating func collect(
    _ callee: Meaning, _ arguments: ArraySlice<UInt32>, _ call: UInt32, _ context: Context
  ) {
    collectCapability(callee, arguments, context)
    switch callee {
    case .require: collectRequire(arguments, call, context)
    case .append:
      if let reference = reference(arguments.first, context) { facts.appends.append(reference) }
    case .call:
      if let reference = reference(arguments.first, context) { facts.calls.append(reference) }
    case .getenv:
      if let reference = reference(arguments.first, context) { facts.getenvs.append(reference) }
    case .callAll: collectCallAll(arguments.first, context)
    case .builtin(WellKnownNames.validate):
      collectValidation(arguments.first, options: arguments.dropFirst().first, call, context)
    case .validateCheck:
      collectValidation(arguments.first, options: arguments.dropFirst(2).first, call, context)
    case .engineFunction(let name):
      let text = tree.text(name)
      reportEngine(text, range(node(call).a), context, EngineOnlyNames.equivalent(ofFunction: text))
    default: break
    }
  }

  private mutating func reference(_ argument: UInt32?, _ context: Context) -> ModuleFacts.Reference? {
    guard let argument, let name = constantText(argument) else { return nil }
    return .init(name: name, range: range(argument), isGuarded: context.contains(.guarded))
  }

  private mutating func collectRequire(_ arguments: ArraySlice<UInt32>, _ call: UInt32, _ context: Context) {
    guard let argument = arguments.first else { return }
    guard let reference = reference(argument, context) else {
      facts.dynamicRequires.append(range(call))
      return
    }
    if EngineOnlyNames.isEngineModule(reference.name) {
      if reference.isGuarded { return }
      reportEngine(
        "require \"\(reference.name)\"", reference.range, context,
        EngineOnlyNames.equivalent(ofModule: reference.name) ?? "")
      return
    }
    facts.requires.append(.init(reference: reference, isLoadTime: !context.contains(.inFunction)))
  }

  /// `flow.all { { "name", data }, … }`, the entries with or without keys.
  private mutating func collectCallAll(_ argument: UInt32?, _ context: Context) {
    guard let argument, node(argument).kind == .table else { return }
    for item in tree.list(node(argument).a) {
      let entry = node(item)
      let value = node(entry.kind == .tableItem ? entry.a : entry.b)
      guard value.kind == .table else { continue }
      let first = tree.list(value.a).first { node($0).kind == .tableItem }
      if let first, let reference = reference(node(first).a, context) { facts.calls.append(reference) }
    }
  }

  // MARK: Globals

  private mutating func collectGlobal(_ index: UInt32, _ node: Node) {
    if node.a == Interner.environmentName {
      if contexts[Int(index)].contains(.target) { replacesEnvironment = true }
      return
    }
    let known = global(node.a)
    if known.isStandard { return }
    let isEngine =
      switch known.meaning {
      case .engineTable, .engineFunction: true
      default: false
      }
    let context = contexts[Int(index)]
    let reference = ModuleFacts.Reference(
      name: tree.text(node.a), range: range(index), isGuarded: context.contains(.guarded))
    if context.contains(.target) {
      facts.globalWrites.append(reference)
    } else if !isEngine {
      facts.globalReads.append(reference)
    }
  }

  /// A field of `ngx`, `io` and the like.
  private mutating func collectIndex(_ index: UInt32, _ node: Node) {
    let object: String
    switch meaning(of: node.a) {
    case .engineTable(let name): object = tree.text(name)
    case .os: object = "os"
    default: return collectMember(index, node)
    }
    let context = contexts[Int(index)]
    guard case .string(let key) = meaning(of: node.b) else {
      if object != "os" {
        reportEngine(
          object, range(node.a), context, EngineOnlyNames.equivalent(ofField: "", of: object))
      }
      return
    }
    let field = tree.text(key)
    if object == "os", !isKnownOsField(field) { return collectMember(index, node) }
    // Tests end so: os.exit(lu.LuaUnit.run()).
    if object == "os", field == "exit", TestFiles.contains(path) { return }
    reportEngine(
      "\(object).\(field)", range(index), context,
      EngineOnlyNames.equivalent(ofField: field, of: object))
  }

  /// What Lua's own `os` has and the sandbox leaves out.
  private func isKnownOsField(_ field: String) -> Bool {
    ["execute", "exit", "remove", "rename", "setlocale", "tmpname"].contains(field)
  }

  /// One diagnostic a name; further places become notes, a few.
  private mutating func reportEngine(_ name: String, _ range: SourceRange, _ context: Context, _ hint: String)
  {
    if context.contains(.engineTested) { return }
    if let earlier = reportedEngineNames[name] {
      if facts.diagnostics[earlier].notes.count < 3 {
        facts.diagnostics[earlier].notes.append(
          .init("used here too", at: SourceLocation(path: path, range: range)))
      }
      return
    }
    reportedEngineNames[name] = facts.diagnostics.count
    report(
      .engineOnly, context.contains(.guarded) ? .warning : .error, "'\(name)' does not exist here", range,
      hint: hint)
  }
}
