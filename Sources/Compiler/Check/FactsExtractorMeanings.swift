// What expressions stand for: `local append = require("topics").append` and the like.
//
// A local has a meaning when it is given one value and never another. Locals are met before their uses.

extension FactsBuilder {
  /// The first pass.
  mutating func findMeanings() {
    for index in 1..<max(1, tree.nodes.count) { findMeaning(UInt32(index)) }
    findFlow(0)
  }

  private mutating func findMeaning(_ index: UInt32) {
    let node = node(index)
    switch node.kind {
    case .localStatement:
      let values = Array(tree.list(node.b))
      for (position, name) in tree.list(node.a).enumerated() where position < values.count {
        give(self.node(name).b, values[position], writes: 0)
      }
    case .localFunction: values[Int(self.node(node.a).b)] = node.b
    case .assignment:
      let values = Array(tree.list(node.b))
      for (position, target) in tree.list(node.a).enumerated() where position < values.count {
        let target = self.node(target)
        if target.kind == .globalReference, target.a == WellKnownNames.validate {
          validateWrites.all += 1
          if meaning(of: values[position]) == .builtin(WellKnownNames.validate) {
            validateWrites.ofModule += 1
          }
        }
        guard target.kind == .localReference, self.values[Int(target.b)] == NodeID.none.index else {
          continue
        }
        give(target.b, values[position], writes: 1)
      }
    case .block, .doStatement, .ifStatement, .whileStatement, .repeatStatement, .returnStatement,
      .breakStatement, .gotoStatement, .callStatement:
      findFlow(index)
    default: break
    }
  }

  /// Gives the local its value, if that is its only one.
  private mutating func give(_ symbol: UInt32, _ value: UInt32, writes: UInt32) {
    values[Int(symbol)] = value
    guard tree.symbols[Int(symbol)].writes == writes, tree.symbols[Int(symbol)].kind == .local else { return }
    meanings[Int(symbol)] = meaning(of: value)
  }

  /// What an expression stands for; looks through a few levels only, since such names are short.
  func meaning(of index: UInt32, depth: Int = 0) -> Meaning {
    let node = node(index)
    guard depth < 6 else { return .unknown }
    switch node.kind {
    case .stringLiteral: return .string(node.a)
    case .localReference: return meanings[Int(node.b)]
    case .globalReference where node.a == WellKnownNames.validate:
      let isModule = validateWrites.ofModule > 0 && validateWrites.ofModule == validateWrites.all
      return isModule ? .builtin(node.a) : .unknown
    case .globalReference: return global(node.a).meaning
    case .parenthesized: return meaning(of: node.a, depth: depth + 1)
    case .index:
      guard case .string(let key) = meaning(of: node.b, depth: depth + 1) else { return .unknown }
      return fieldMeaning(of: node.a, key, depth: depth)
    case .call:
      guard meaning(of: node.a, depth: depth + 1) == .require, let name = tree.list(node.b).first,
        case .string(let text) = meaning(of: name, depth: depth + 1)
      else { return .unknown }
      switch text {
      case WellKnownNames.topics: return .topics
      case WellKnownNames.flow: return .flow
      case _ where WellKnownNames.builtins.contains(text): return .builtin(text)
      case WellKnownNames.ngx, WellKnownNames.ffi: return .engineTable(text)
      default: return .unknown
      }
    default: return .unknown
    }
  }

  private func fieldMeaning(of object: UInt32, _ key: UInt32, depth: Int) -> Meaning {
    switch (meaning(of: object, depth: depth + 1), key) {
    case (.topics, WellKnownNames.append): return .append
    case (.flow, WellKnownNames.call): return .call
    case (.flow, WellKnownNames.callAll): return .callAll
    case (.os, WellKnownNames.getenv): return .getenv
    case (.builtin(WellKnownNames.validate), WellKnownNames.check): return .validateCheck
    case (.builtin(WellKnownNames.http), WellKnownNames.request): return .httpRequest
    case (.builtin(WellKnownNames.http), _) where WellKnownNames.httpMethods.contains(key): return .httpMethod
    case (.builtin(WellKnownNames.database), WellKnownNames.use): return .databaseUse
    case (.builtin(WellKnownNames.database), _) where WellKnownNames.databaseCalls.contains(key):
      return .databaseCall
    case (.builtin(WellKnownNames.host), _): return .hostFunction(key)
    default:
      let object = node(object)
      return object.kind == .globalReference && global(object.a).isLibrary ? .harmlessFunction : .unknown
    }
  }

  /// What is known of the global of that name.
  func global(_ name: UInt32) -> WellKnownNames.Global {
    Int(name) < knownGlobals.count ? knownGlobals[Int(name)] : WellKnownNames.Global()
  }

  /// The text an expression always has: a literal, a local that only ever held one, or such with `..` between.
  func constantText(_ index: UInt32, depth: Int = 0) -> String? {
    let node = node(index)
    guard depth < 8 else { return nil }
    if node.kind == .binary, node.c == BinaryOperator.concat.rawValue {
      guard let left = constantText(node.a, depth: depth + 1) else { return nil }
      return constantText(node.b, depth: depth + 1).map { left + $0 }
    }
    guard case .string(let text) = meaning(of: index) else { return nil }
    return tree.text(text)
  }
}
