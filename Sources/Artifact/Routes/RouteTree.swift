// The tree of all patterns while a table is built: one level a segment. A node's identity is the way to it,
// so each shape of pattern ends at exactly one node, whatever its parameters are called.

/// A node of the tree under construction.
final class RouteTree {
  /// Ordered by bytes when emitted.
  private(set) var statics: [[UInt8]: RouteTree] = [:]
  private(set) var suffixes: [[UInt8]: RouteTree] = [:]
  private(set) var parameter: RouteTree?
  private(set) var wildcard: RouteTree?
  /// The route that ends here for each method by name, and the one for ANY.
  private var named: [Int?] = Array(repeating: nil, count: RouteMethod.allCases.count)
  private var any: Int?

  /// Adds a pattern's node and returns it.
  func node(for pattern: RoutePattern) -> RouteTree {
    pattern.segments.reduce(self) { $0.child(for: $1) }
  }

  private func child(for segment: RoutePattern.Segment) -> RouteTree {
    switch segment {
    case .literal(let text):
      return statics.getOrInsert(text, RouteTree())
    case .parameter(_, let suffix) where !suffix.isEmpty:
      return suffixes.getOrInsert(suffix, RouteTree())
    case .parameter:
      let node = parameter ?? RouteTree()
      parameter = node
      return node
    case .wildcard:
      let node = wildcard ?? RouteTree()
      wildcard = node
      return node
    }
  }

  /// Makes a route end here. Returns a route that already takes one of its methods here, if there is one.
  func add(route: Int, methods: RouteMethods) -> Int? {
    if methods == .any {
      if let any { return any }
      any = route
      return nil
    }
    for method in RouteMethod.allCases where methods.contains(RouteMethods(method)) {
      if let other = named[Int(method.rawValue)] { return other }
      named[Int(method.rawValue)] = route
    }
    return nil
  }

  /// The route for each method: an explicit one before ANY's.
  var routes: [Int?] { named.map { $0 ?? any } }

  /// Methods that have a route here.
  var methodsHere: UInt8 {
    RouteMethod.allCases.reduce(0) { $0 | (any == nil && named[Int($1.rawValue)] == nil ? 0 : $1.bit) }
  }

  /// Methods that have a route here or under this node. Found once: ask when every route is in. Depth is
  /// bounded by the segments of a pattern.
  private(set) lazy var methodsBelow: UInt8 =
    statics.values.reduce(methodsHere | alternativeMethods) { $0 | $1.methodsBelow }

  /// The same for what is tried after the static children.
  private(set) lazy var alternativeMethods: UInt8 =
    suffixes.values.reduce((parameter?.methodsBelow ?? 0) | (wildcard?.methodsHere ?? 0)) {
      $0 | $1.methodsBelow
    }

  /// Suffixes in the order they are tried: the longest first.
  var orderedSuffixes: [(text: [UInt8], node: RouteTree)] {
    suffixes.map { (text: $0.key, node: $0.value) }.sorted { a, b in
      a.text.count != b.text.count ? a.text.count > b.text.count : Array.precedes(a.text, b.text)
    }
  }

  var orderedStatics: [(text: [UInt8], node: RouteTree)] {
    statics.map { (text: $0.key, node: $0.value) }.sorted { Array.precedes($0.text, $1.text) }
  }
}

extension Dictionary {
  fileprivate mutating func getOrInsert(_ key: Key, _ value: @autoclosure () -> Value) -> Value {
    if let found = self[key] { return found }
    let made = value()
    self[key] = made
    return made
  }
}
