// The routes of a gateway as a tree that can tell what it does at each step: for analysis and explanation,
// where time does not matter. The runtime's table is the same tree in another form; tests compare the two.

import SpacerArtifact

/// Routes without malformed ones and without those that repeat another.
struct RouteForest {
  /// A route that takes part.
  struct Entry {
    /// Index into the list given.
    let route: Int
    let methods: RouteMethods
    let pattern: RoutePattern

    var isWildcard: Bool {
      if case .wildcard = pattern.segments.last { true } else { false }
    }
  }

  /// One place in the tree.
  final class Node {
    fileprivate(set) var literals: [[UInt8]: Node] = [:]
    fileprivate(set) var suffixes: [[UInt8]: Node] = [:]
    fileprivate(set) var parameter: Node?
    fileprivate(set) var wildcard: Node?
    /// Routes that end here.
    fileprivate(set) var entries: [Entry] = []
    /// Methods routed here or below.
    fileprivate(set) var methods: RouteMethods = []

    var suffixesInOrder: [(text: [UInt8], node: Node)] {
      suffixes.map { (text: $0.key, node: $0.value) }.sorted { a, b in
        a.text.count != b.text.count
          ? a.text.count > b.text.count : a.text.lexicographicallyPrecedes(b.text)
      }
    }

    /// The route for a method here: an explicit one before ANY's.
    func entry(for method: RouteMethod) -> Entry? {
      let taking = entries.filter { $0.methods.contains(RouteMethods(method)) }
      return taking.first { $0.methods != .any } ?? taking.first
    }

    fileprivate func child(_ segment: RoutePattern.Segment) -> Node {
      switch segment {
      case .literal(let text): return Self.child(text, &literals)
      case .parameter(_, let suffix) where !suffix.isEmpty: return Self.child(suffix, &suffixes)
      case .parameter:
        let node = parameter ?? Node()
        parameter = node
        return node
      case .wildcard:
        let node = wildcard ?? Node()
        wildcard = node
        return node
      }
    }

    private static func child(_ text: [UInt8], _ children: inout [[UInt8]: Node]) -> Node {
      let node = children[text] ?? Node()
      children[text] = node
      return node
    }
  }

  let root = Node()
  private(set) var entries: [Entry] = []
  /// Every literal segment of any pattern.
  private(set) var literals: Set<[UInt8]> = []

  /// Builds the tree and reports routes that cannot be part of it.
  init(_ routes: [RouteAnalysis.Route], report: (RouteAnalysis.Finding) -> Void = { _ in }) {
    var parsed: [Entry] = []
    for (index, route) in routes.enumerated() {
      do {
        let pattern = try RoutePattern(parsing: route.pattern)
        parsed.append(Entry(route: index, methods: route.methods, pattern: pattern))
      } catch {
        report(.malformed(route: index, offset: error.offset, problem: error.description))
      }
    }
    for case .literal(let text) in parsed.flatMap(\.pattern.segments) { literals.insert(text) }
    for entry in parsed where !isRepeated(entry, report) { add(entry) }
  }

  private func isRepeated(_ entry: Entry, _ report: (RouteAnalysis.Finding) -> Void) -> Bool {
    let node = entry.pattern.segments.reduce(root) { $0.child($1) }
    for other in node.entries {
      // An explicit method beside ANY is meant: it takes precedence.
      guard (other.methods == .any) == (entry.methods == .any) else { continue }
      let common = other.methods.intersection(entry.methods)
      guard !common.isEmpty else { continue }
      let witness = String(
        decoding: RouteAnalysis.example(entry.pattern, avoiding: literals), as: UTF8.self)
      if other.pattern == entry.pattern {
        report(.duplicate(route: entry.route, of: other.route, methods: common, witness: witness))
      } else {
        report(.conflict(route: entry.route, with: other.route, methods: common, witness: witness))
      }
      return true
    }
    return false
  }

  private mutating func add(_ entry: Entry) {
    var node = root
    node.methods.formUnion(entry.methods)
    for segment in entry.pattern.segments {
      node = node.child(segment)
      node.methods.formUnion(entry.methods)
    }
    node.entries.append(entry)
    entries.append(entry)
  }

  // MARK: Matching

  /// What a request matched.
  struct Match {
    var route: Int
    /// Values in the order of the pattern's parameters.
    var values: [[UInt8]]
  }

  /// One thing that happened on the way.
  enum Step {
    case literal([UInt8])
    case noLiteral([UInt8])
    /// A literal text fits, but leads to no route for the method.
    case literalOfOtherMethods([UInt8], RouteMethods)
    case suffix([UInt8], value: [UInt8])
    case parameter(value: [UInt8])
    case parameterOfOtherMethods(RouteMethods)
    case wildcard(value: [UInt8])
    case found(route: Int)
    /// The path ends at a place with routes for these methods only.
    case otherMethods(RouteMethods)
    case endsTooEarly
    case deadEnd(segment: [UInt8])
  }

  /// Matches a path in normal form; HEAD goes by its own tree first and then as GET.
  func match(
    _ method: RouteMethod, _ path: [UInt8], trace: (_ depth: Int, Step) -> Void = { _, _ in }
  ) -> Match? {
    guard path.first == UInt8(ascii: "/") else { return nil }
    let segments = path.split(separator: UInt8(ascii: "/")).map(Array.init)
    if method == .head {
      let isExplicit = { (match: Match) in
        entries.contains { $0.route == match.route && $0.methods != .any }
      }
      if let match = walk(root, segments[...], .head, 0, { _, _ in }), isExplicit(match) {
        return walk(root, segments[...], .head, 0, trace)
      }
      return walk(root, segments[...], .get, 0, trace)
    }
    return walk(root, segments[...], method, 0, trace)
  }

  private func walk(
    _ node: Node, _ rest: ArraySlice<[UInt8]>, _ method: RouteMethod, _ depth: Int,
    _ trace: (Int, Step) -> Void
  ) -> Match? {
    let wanted = RouteMethods(method)
    guard let segment = rest.first else {
      if let entry = node.entry(for: method) {
        trace(depth, .found(route: entry.route))
        return Match(route: entry.route, values: [])
      }
      let here = node.entries.reduce(RouteMethods()) { $0.union($1.methods) }
      trace(depth, here.isEmpty ? .endsTooEarly : .otherMethods(here))
      return nil
    }
    if let child = node.literals[segment] {
      if child.methods.contains(wanted) {
        trace(depth, .literal(segment))
        if let match = walk(child, rest.dropFirst(), method, depth + 1, trace) { return match }
      } else {
        trace(depth, .literalOfOtherMethods(segment, child.methods))
      }
    } else if !node.literals.isEmpty {
      trace(depth, .noLiteral(segment))
    }
    for (text, child) in node.suffixesInOrder
    where child.methods.contains(wanted) && segment.count > text.count
      && segment.suffix(text.count) == text[...]
    {
      let value = Array(segment.dropLast(text.count))
      trace(depth, .suffix(text, value: value))
      if let match = walk(child, rest.dropFirst(), method, depth + 1, trace) {
        return Match(route: match.route, values: [value] + match.values)
      }
    }
    if let child = node.parameter {
      if child.methods.contains(wanted) {
        trace(depth, .parameter(value: segment))
        if let match = walk(child, rest.dropFirst(), method, depth + 1, trace) {
          return Match(route: match.route, values: [segment] + match.values)
        }
      } else {
        trace(depth, .parameterOfOtherMethods(child.methods))
      }
    }
    if let child = node.wildcard, let entry = child.entry(for: method) {
      let value = Array(rest.joined(separator: [UInt8(ascii: "/")]))
      trace(depth, .wildcard(value: value))
      trace(depth + 1, .found(route: entry.route))
      return Match(route: entry.route, values: [value])
    }
    trace(depth, .deadEnd(segment: segment))
    return nil
  }

  /// The union of methods over every pattern that matches the path.
  func allowedMethods(_ path: [UInt8]) -> RouteMethods {
    let found = RouteMethod.allCases.filter { match($0, path) != nil }
      .reduce(RouteMethods()) { $0.union(RouteMethods($1)) }
    return found.isEmpty ? [] : found.allowed
  }
}
