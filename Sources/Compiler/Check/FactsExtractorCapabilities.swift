// What the code reaches outside of itself: servers, topics, functions, databases, environment variables, functions
// of the host.
//
// The answer must not be less than the truth. A call by a constant name reaches that one, any other call any. A
// module or function of the runtime that goes where it is not followed (an argument, a field, a second value of
// a local) reaches any as well, since nobody knows what is done with it there. Where a request is sent on to by
// the server that answers it is not part of this.

import SpacerArtifact

extension FactsBuilder {
  /// The fourth pass, over what no call accounted for.
  mutating func collectCapabilities() {
    let accounted = accountedNodes()
    for index in 0..<UInt32(tree.nodes.count) {
      let node = node(index)
      switch node.kind {
      case .globalReference: collectGlobalReach(index, node, isAccounted: accounted[Int(index)])
      case .localReference, .index, .call:
        if contexts[Int(index)].contains(.target) { break }
        let meaning = meaning(of: index)
        switch meaning {
        // Whatever is done with it, it is of the default database.
        case .databaseCall: reach(.database, "default")
        case .hostFunction(let name): reach(.host, tree.text(name))
        default: if !accounted[Int(index)] { reachAny(meaning) }
        }
      default: break
      }
    }
    if !facts.dynamicRequires.isEmpty { reach(.module, nil) }
    facts.capabilities = capabilities.sorted(by: ArtifactContents.Capability.precedes)
  }

  private mutating func reach(_ kind: ArtifactContents.Capability.Kind, _ target: String?) {
    capabilities.insert(.init(kind, target))
  }

  /// A value of this meaning went where it is not followed.
  private mutating func reachAny(_ meaning: Meaning) {
    switch meaning {
    case .require: reach(.module, nil)
    case .topics, .append: reach(.topic, nil)
    case .flow, .call, .callAll: reach(.function, nil)
    case .os, .getenv: reach(.variable, nil)
    case .httpMethod, .httpRequest, .builtin(WellKnownNames.http): reach(.http, nil)
    case .databaseUse, .builtin(WellKnownNames.database): reach(.database, nil)
    case .builtin(WellKnownNames.host): reach(.host, nil)
    default: break
    }
  }

  private mutating func collectGlobalReach(_ index: UInt32, _ node: Node, isAccounted: Bool) {
    if contexts[Int(index)].contains(.target) { return }
    if WellKnownNames.loaders.contains(node.a) { return reach(.module, nil) }
    if isAccounted { return }
    // The table of all globals.
    if node.a == WellKnownNames.environment || node.a == Interner.environmentName {
      return reach(.module, nil)
    }
    reachAny(meaning(of: index))
  }

  // MARK: Where a value is followed

  /// By node: its value is used where it stands, or only ever given to a local that is followed.
  private func accountedNodes() -> [Bool] {
    var result = Array(repeating: false, count: tree.nodes.count)
    for node in tree.nodes {
      switch node.kind {
      case .index:
        // `topics[x]` may be any member; `_G.print` is print.
        guard case .string(let key) = meaning(of: node.b) else { break }
        let object = self.node(node.a)
        let isGlobals =
          object.kind == .globalReference
          && (object.a == WellKnownNames.environment || object.a == Interner.environmentName)
        result[Int(node.a)] = !isGlobals || Self.isHarmlessGlobal(global(key), key)
      case .call:
        result[Int(node.a)] = true
        let callee = meaning(of: node.a)
        if callee == .pcall || callee == .xpcall, let first = tree.list(node.b).first {
          result[Int(first)] = true
        }
      // A call whose result nobody takes, as `require "http"` by itself.
      case .callStatement: result[Int(node.a)] = true
      // The outer expression stands for the inner one.
      case .parenthesized: result[Int(node.a)] = true
      case .localStatement, .assignment: account(node, &result)
      default: break
      }
    }
    return result
  }

  private static func isHarmlessGlobal(_ global: WellKnownNames.Global, _ key: UInt32) -> Bool {
    switch global.meaning {
    case .require, .topics, .flow, .os: false
    default: !WellKnownNames.loaders.contains(key) && key != WellKnownNames.environment
    }
  }

  private func account(_ node: Node, _ result: inout [Bool]) {
    let values = Array(tree.list(node.b))
    for (position, target) in tree.list(node.a).enumerated() where position < values.count {
      let target = self.node(target)
      guard target.kind == .localName || target.kind == .localReference else { continue }
      let meaning = meanings[Int(target.b)]
      if meaning != .unknown && meaning == self.meaning(of: values[position]) {
        result[Int(values[position])] = true
      }
    }
  }

  // MARK: Calls

  /// What a call of `callee` reaches.
  mutating func collectCapability(
    _ callee: Meaning, _ arguments: ArraySlice<UInt32>, _ context: Context
  ) {
    let first = arguments.first
    switch callee {
    case .append: reach(.topic, first.flatMap { constantText($0) })
    case .call: reach(.function, first.flatMap { constantText($0) })
    case .callAll: collectCallAllReach(first)
    case .getenv:
      let kind: ArtifactContents.Capability.Kind = context.contains(.tested) ? .optionalVariable : .variable
      reach(kind, first.flatMap { constantText($0) })
    case .databaseUse: reach(.database, first.flatMap { constantText($0) })
    case .httpMethod: collectServers(first)
    case .httpRequest: collectServers(first.flatMap { urlField(of: $0) })
    default: break
    }
  }

  private mutating func collectCallAllReach(_ argument: UInt32?) {
    guard let argument, node(argument).kind == .table else { return reach(.function, nil) }
    for item in tree.list(node(argument).a) {
      let entry = node(item)
      let value = node(entry.kind == .tableItem ? entry.a : entry.b)
      let first = value.kind == .table ? tree.list(value.a).first { node($0).kind == .tableItem } : nil
      reach(.function, first.flatMap { constantText(node($0).a) })
    }
  }

  /// The value of `url` in a table constructor.
  private func urlField(of table: UInt32) -> UInt32? {
    guard node(table).kind == .table else { return nil }
    for item in tree.list(node(table).a) {
      let entry = node(item)
      if entry.kind != .tableItem, case .string(WellKnownNames.url) = meaning(of: entry.a) { return entry.b }
    }
    return nil
  }

  private mutating func collectServers(_ url: UInt32?) {
    guard let url else { return reach(.http, nil) }
    for server in servers(of: url) { reach(.http, server) }
  }
}
