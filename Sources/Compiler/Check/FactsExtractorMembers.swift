// Members of standard libraries and built-in modules, where the text leaves no doubt which table it is: the
// library's global name, or a local that only ever held what `require` gave.

extension FactsBuilder {
  /// Notes `string.uper` and the like among the globals when the library has no such member of its own.
  mutating func collectMember(_ index: UInt32, _ node: Node) {
    guard node.c == 1, let table = memberTable(node.a), let known = StandardMembers.byTable[table] else {
      return
    }
    let key = self.node(node.b)
    guard key.kind == .stringLiteral else { return }
    let member = tree.text(key.a)
    guard !known.contains(member) else { return }
    let context = contexts[Int(index)]
    let reference = ModuleFacts.Reference(
      name: "\(table).\(member)", range: range(node.b), isGuarded: context.contains(.guarded))
    if context.contains(.target) {
      facts.globalWrites.append(reference)
    } else if context.contains(.tested) {
      testedMembers.insert(reference.name)
    } else {
      facts.globalReads.append(reference)
    }
  }

  /// Who asks whether a member exists knows that it may not.
  mutating func forgetTestedMembers() {
    guard !testedMembers.isEmpty else { return }
    facts.globalReads.removeAll { testedMembers.contains($0.name) }
  }

  private func memberTable(_ object: UInt32) -> String? {
    let node = node(object)
    switch node.kind {
    case .globalReference: return global(node.a).isLibrary ? tree.text(node.a) : nil
    case .localReference:
      return switch meanings[Int(node.b)] {
      case .topics: isRequired(node.b) ? "topics" : nil
      case .flow: isRequired(node.b) ? "flow" : nil
      case .builtin(let name): tree.text(name)
      default: nil
      }
    default: return nil
    }
  }

  /// Whether the local's value is a call, not another name for a global.
  private func isRequired(_ symbol: UInt32) -> Bool {
    let value = values[Int(symbol)]
    return value != NodeID.none.index && node(value).kind == .call
  }
}
