// Which requests go elsewhere than before. Lists of routes are not compared as text: a new route can take requests
// from an old one that is still there, and a route that is gone may be covered by another.
//
// Each pair of an old and a new route, one of which is not in both artifacts, gets an example: a path that both fit,
// whose parameter values differ from every literal text and so fit nothing but parameters and wildcards. What
// takes the example therefore takes every path of the pair that it can take at all, and so it decides for all of
// them (`RoutePairs`). Both tables are asked for it, with each method.

import SpacerArtifact

/// The comparison of two artifacts' routes.
struct RouteDiff {
  /// A route of one of them.
  struct Entry {
    var index: Int
    var methods: RouteMethods
    var text: String
    var pattern: RoutePattern
    var function: String

    /// Whether the other artifact has it just so.
    var isKept = false

    var name: String { "\(methods.text) \(text)" }
  }

  /// What becomes of a part of an old route's requests.
  private struct Effect: Equatable {
    enum Outcome: Equatable {
      /// 404, or 405 where the path has other methods.
      case unanswered(status: Int)
      case otherFunction(route: Int)
      case otherParameters(route: Int)
    }

    var outcome: Outcome
    var methods: RouteMethods
    var example: String
  }

  private struct Tables {
    var before: RouteTable
    var after: RouteTable
  }

  private let old: [Entry]
  private let new: [Entry]
  private let oldByIndex: [Int: Entry]
  private let newByIndex: [Int: Entry]
  private(set) var changes: [ArtifactDiff.Change] = []

  init(_ old: ArtifactFile, _ new: ArtifactFile) {
    var before = Self.entries(old.contents)
    var after = Self.entries(new.contents)
    let texts = { (entries: [Entry]) in Set(entries.map { "\($0.name) \($0.function)" }) }
    let (oldTexts, newTexts) = (texts(before), texts(after))
    for index in before.indices {
      before[index].isKept = newTexts.contains("\(before[index].name) \(before[index].function)")
    }
    for index in after.indices {
      after[index].isKept = oldTexts.contains("\(after[index].name) \(after[index].function)")
    }
    self.old = before
    self.new = after
    oldByIndex = Dictionary(before.map { ($0.index, $0) }) { first, _ in first }
    newByIndex = Dictionary(after.map { ($0.index, $0) }) { first, _ in first }
    let effects = effects(Tables(before: old.image.routes, after: new.image.routes))
    report(effects)
  }

  private static func entries(_ contents: ArtifactContents) -> [Entry] {
    contents.routes.enumerated().compactMap { index, route in
      // The table holds no route whose pattern cannot be parsed.
      guard let pattern = try? RoutePattern(parsing: route.pattern) else { return nil }
      return Entry(
        index: index, methods: route.methods, text: route.pattern, pattern: pattern,
        function: contents.modules[route.module].name)
    }
  }

  // MARK: Effects

  /// By index of the old route.
  private func effects(_ tables: Tables) -> [Int: [Effect]] {
    var result: [Int: [Effect]] = [:]
    var seen: Set<[UInt8]> = []
    RoutePairs(old, new).forEachExample { path in
      guard seen.insert(path).inserted else { return }
      for method in RouteMethod.allCases {
        var parameters = RouteParameters()
        guard let route = tables.before.match(method, path: path.span, parameters: &parameters),
          let outcome = outcome(method, path, route, parameters, tables)
        else { continue }
        add(outcome, method, path, to: &result[route, default: []])
      }
    }
    return result
  }

  private func add(
    _ outcome: Effect.Outcome, _ method: RouteMethod, _ path: [UInt8], to effects: inout [Effect]
  ) {
    if let index = effects.firstIndex(where: { $0.outcome == outcome }) {
      effects[index].methods.formUnion(RouteMethods(method))
      return
    }
    let shown = method == .other ? "any other method" : method.name
    effects.append(
      Effect(
        outcome: outcome, methods: RouteMethods(method),
        example: "\(shown) \(String(decoding: path, as: UTF8.self))"))
  }

  /// Nil when the request finds the same function with the same parameters.
  private func outcome(
    _ method: RouteMethod, _ path: [UInt8], _ from: Int, _ parameters: RouteParameters, _ tables: Tables
  ) -> Effect.Outcome? {
    var newParameters = RouteParameters()
    guard let to = tables.after.match(method, path: path.span, parameters: &newParameters) else {
      return .unanswered(status: tables.after.allowedMethods(path: path.span).isEmpty ? 404 : 405)
    }
    if oldByIndex[from]?.function != newByIndex[to]?.function { return .otherFunction(route: to) }
    let before = Self.values(tables.before.route(from), parameters)
    let after = Self.values(tables.after.route(to), newParameters)
    return before == after ? nil : .otherParameters(route: to)
  }

  /// Names with where their values are in the path.
  private static func values(_ route: RouteTable.Route, _ parameters: RouteParameters) -> [String: Range<Int>]
  {
    var result: [String: Range<Int>] = [:]
    for index in 0..<min(route.parameterCount, parameters.count) {
      result[String(decoding: route.parameterName(index), as: UTF8.self)] = parameters[index]
    }
    return result
  }

  // MARK: Report

  private mutating func report(_ effects: [Int: [Effect]]) {
    var mentioned: Set<Int> = []
    for route in old {
      let found = effects[route.index] ?? []
      for effect in found {
        let successor = successor(of: route, effect)
        if let successor { mentioned.insert(successor.index) }
        changes.append(
          ArtifactDiff.Change(
            area: .routes, kind: route.isKept || successor != nil ? .changed : .removed, subject: route.name,
            detail: detail(route, effect, successor), isBreaking: true))
      }
      if found.isEmpty && !route.isKept {
        changes.append(
          ArtifactDiff.Change(
            area: .routes, kind: .removed, subject: route.name,
            detail: "its requests go to '\(route.function)' by other routes", isBreaking: false))
      }
    }
    for route in new where !route.isKept && !mentioned.contains(route.index) {
      changes.append(
        ArtifactDiff.Change(
          area: .routes, kind: .added, subject: route.name, detail: "'\(route.function)'", isBreaking: false))
    }
  }

  /// The new route that stands in an old one's place: of the same shape.
  private func successor(of route: Entry, _ effect: Effect) -> Entry? {
    if route.isKept { return nil }
    return switch effect.outcome {
    case .unanswered: nil
    case .otherFunction(let index), .otherParameters(let index):
      newByIndex[index].flatMap { !$0.isKept && $0.pattern.shape == route.pattern.shape ? $0 : nil }
    }
  }

  private func detail(_ route: Entry, _ effect: Effect, _ successor: Entry?) -> String {
    let taker: Entry?
    switch effect.outcome {
    case .unanswered(let status):
      return "\(effect.example) was answered by '\(route.function)', and is answered \(status)"
    case .otherFunction(let index), .otherParameters(let index): taker = newByIndex[index]
    }
    guard let taker else { return "" }
    if case .otherFunction = effect.outcome {
      if successor != nil { return "goes to '\(taker.function)' in place of '\(route.function)'" }
      return "\(effect.example) goes to '\(taker.function)' by \(taker.name), in place of '\(route.function)'"
    }
    let names = { (entry: Entry) in
      entry.pattern.parameterNames.map { "args.\($0)" }.joined(separator: ", ")
    }
    let (was, now) = (names(route), names(taker))
    return "the parameters of \(effect.example) are \(now.isEmpty ? "none" : now) by \(taker.name), and were "
      + (was.isEmpty ? "none" : was)
  }
}
