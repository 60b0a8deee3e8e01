// What running a function can reach: its own capabilities and those of every module that it requires, directly or
// through others. Functions that it calls with `flow` are no part of it: such a call is a capability itself.

/// The reach of one module.
package struct ModuleReach: Equatable, Sendable {
  /// In the format's order, each once.
  package var capabilities: [ArtifactContents.Capability]
  /// Built-in modules, in byte order.
  package var builtins: [String]
}

extension ArtifactContents {
  /// The module at `index` and all that it requires, each once.
  package func required(by index: Int) -> [Int] {
    var seen: Set<Int> = [index]
    var queue = [index]
    var position = 0
    while position < queue.count {
      let current = queue[position]
      position += 1
      guard modules.indices.contains(current) else { continue }
      for next in modules[current].requires where seen.insert(next).inserted { queue.append(next) }
    }
    return queue.filter { modules.indices.contains($0) }
  }

  /// What the module at `index` reaches.
  package func reach(ofModule index: Int) -> ModuleReach {
    let members = required(by: index).map { modules[$0] }
    return ModuleReach(
      capabilities: Set(members.flatMap(\.capabilities)).sorted(by: Capability.precedes),
      builtins: Set(members.flatMap(\.builtins)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
  }
}
