// Checks a route table once, so that the matcher can follow it unchecked. What holds afterwards:
// - the table's address is a multiple of 64, and every node, route, name and text lies inside it;
// - each node is reached from at most one place, from a node before it: the nodes form a forest, so a walk
//   ends, and visits each node at most once;
// - no way from the root is longer than the header's depth, at most `Limits.patternSegmentsMax`, or has more
//   than `Limits.routeParametersMax` parameters;
// - a route index that stands in a node is that of a route with as many parameters as the way there has.

/// Verifies the bytes of one route table.
struct RouteTableVerifier {
  private typealias Header = RouteLayout.Header
  private typealias Node = RouteLayout.Node

  private let memory: ImageMemory
  private let moduleCount: Int

  init(memory: ImageMemory, moduleCount: Int) {
    self.memory = memory
    self.moduleCount = moduleCount
  }

  /// What the way from the root to a node needs.
  private struct Way {
    var isReached = false
    var depth: UInt16 = 0
    var parameters: UInt8 = 0
    /// A wildcard's node ends the way: it has no children.
    var isEnd = false
  }

  func verify() throws(ArtifactError) {
    guard memory.count >= Header.size else { throw malformed("shorter than its header") }
    guard UInt(bitPattern: memory.base) % UInt(RouteLayout.alignment) == 0 else {
      throw malformed("not aligned to \(RouteLayout.alignment) bytes in memory")
    }
    let nodes = try list(Header.nodesOffset, elementBytes: Node.size, "nodes")
    let routes = try list(Header.routesOffset, elementBytes: RouteLayout.Route.size, "routes")
    let names = try list(Header.namesOffset, elementBytes: RouteLayout.Text.size, "names")
    let allows = try list(Header.allowsOffset, elementBytes: RouteLayout.Allow.size, "methods lists")
    _ = try list(Header.textOffset, elementBytes: 1, "text")
    try verifyText(at: Header.notFoundBody, "an answer")
    try verifyText(at: Header.methodNotAllowedBody, "an answer")
    guard memory.load(UInt32.self, at: Header.flags) & ~RouteLayout.flagExplicitHead == 0 else {
      throw malformed("a reserved flag is set")
    }
    guard routes.count <= Limits.routesMax else { throw malformed("too many routes") }
    guard memory.load32(at: Header.depth) <= Limits.patternSegmentsMax else {
      throw malformed("its depth is out of range")
    }
    for index in 0..<routes.count { try verifyRoute(at: routes.offset + index * routes.stride, names.count) }
    for index in 0..<names.count { try verifyText(at: names.offset + index * names.stride, "a name") }
    for index in 0..<allows.count { try verifyAllow(at: allows.offset + index * allows.stride) }
    try verifyNodes(nodes, routes)
  }

  private struct List {
    let offset: Int
    let count: Int
    let stride: Int
  }

  private func list(_ field: Int, elementBytes: Int, _ what: String) throws(ArtifactError) -> List {
    let offset = memory.load32(at: field)
    let count = memory.load32(at: field + 4)
    guard offset >= Header.size, memory.contains(offset: offset, length: count * elementBytes) else {
      throw malformed("its \(what) lie outside it")
    }
    return List(offset: offset, count: count, stride: elementBytes)
  }

  private func verifyText(at offset: Int, _ what: String) throws(ArtifactError) {
    guard memory.contains(offset: memory.load32(at: offset), length: memory.load32(at: offset + 4)) else {
      throw malformed("the text of \(what) lies outside it")
    }
  }

  private func verifyRoute(at offset: Int, _ nameCount: Int) throws(ArtifactError) {
    typealias Route = RouteLayout.Route
    try verifyText(at: offset + Route.pattern, "a pattern")
    guard memory.load32(at: offset + Route.module) < moduleCount else {
      throw malformed("a route names a module that does not exist")
    }
    let parameters = Int(memory.load(UInt8.self, at: offset + Route.parameterCount))
    let first = memory.load32(at: offset + Route.firstName)
    guard parameters <= Limits.routeParametersMax, first <= nameCount, parameters <= nameCount - first else {
      throw malformed("a route's parameter names are out of range")
    }
    guard memory.load(UInt8.self, at: offset + Route.methods) != 0 else {
      throw malformed("a route has no method")
    }
    guard memory.load(UInt16.self, at: offset + Route.reserved) == 0,
      memory.isZero(from: offset + Route.allowedMethods + 1, to: offset + Route.size)
    else { throw malformed("reserved bytes of a route are not zero") }
  }

  private func verifyAllow(at offset: Int) throws(ArtifactError) {
    try verifyText(at: offset + RouteLayout.Allow.text, "a methods list")
    guard memory.isZero(from: offset + RouteLayout.Allow.reserved, to: offset + RouteLayout.Allow.size)
    else { throw malformed("reserved bytes of a methods list are not zero") }
  }

  // MARK: Nodes

  private func verifyNodes(_ nodes: List, _ routes: List) throws(ArtifactError) {
    guard nodes.count > 0 else { throw malformed("it has no root") }
    guard nodes.offset == Header.size else { throw malformed("its nodes are misplaced") }
    var ways = Array(repeating: Way(), count: nodes.count)
    ways[0].isReached = true
    for index in 0..<nodes.count {
      let offset = nodes.offset + index * nodes.stride
      guard ways[index].isReached else {
        guard memory.isZero(from: offset, to: offset + Node.size) else {
          throw malformed("a node is not reached from the root")
        }
        continue
      }
      try verifyRoutes(ofNodeAt: offset, way: ways[index], routes)
      try verifyChildren(ofNodeAt: index, nodes, &ways)
    }
  }

  private func verifyRoutes(ofNodeAt offset: Int, way: Way, _ routes: List) throws(ArtifactError) {
    let methods = memory.load(UInt8.self, at: offset + Node.methodsHere)
    for bit in 0..<8 {
      let route = memory.load(UInt16.self, at: offset + Node.routes + 2 * bit)
      guard methods & (1 << UInt8(bit)) != 0 else {
        guard route == RouteLayout.noRoute else { throw malformed("a node has a route without its method") }
        continue
      }
      guard Int(route) < routes.count else { throw malformed("a node names a route that does not exist") }
      let record = routes.offset + Int(route) * routes.stride
      guard memory.load(UInt8.self, at: record + RouteLayout.Route.parameterCount) == way.parameters else {
        throw malformed("a route has more or fewer parameters than its place in the tree")
      }
    }
  }

  private func verifyChildren(ofNodeAt index: Int, _ nodes: List, _ ways: inout [Way]) throws(ArtifactError) {
    let offset = nodes.offset + index * nodes.stride
    let probes = Int(memory.load(UInt16.self, at: offset + Node.probes))
    if probes > 0 {
      let mask = memory.load32(at: offset + Node.staticsMask)
      guard mask & (mask + 1) == 0, memory.load(UInt8.self, at: offset + Node.shift) < 64 else {
        throw malformed("a node's hash table is malformed")
      }
      try reach(from: index, offset + Node.statics, count: mask + probes, .literal, nodes, &ways)
    }
    let suffixes = Int(memory.load(UInt16.self, at: offset + Node.suffixCount))
    let hasWildcard = memory.load(UInt8.self, at: offset + Node.wildcardMethods) != 0
    if suffixes > 0 {
      try reach(from: index, offset + Node.others, count: suffixes, .suffix, nodes, &ways)
    }
    if hasWildcard {
      let others = memory.load32(at: offset + Node.others)
      try reach(
        from: index, offset + Node.others, skipping: suffixes, count: 1, .wildcard, nodes, &ways)
      let here = memory.load(UInt8.self, at: others + suffixes * Node.size + Node.methodsHere)
      guard here == memory.load(UInt8.self, at: offset + Node.wildcardMethods) else {
        throw malformed("a node's and its wildcard's methods differ")
      }
    }
    if memory.load(UInt8.self, at: offset + Node.parameterMethods) != 0 {
      try reach(from: index, offset + Node.parameter, count: 1, .parameter, nodes, &ways)
    }
  }

  private enum Edge { case literal, suffix, parameter, wildcard }

  /// Marks `count` nodes, beginning `skipping` nodes after the one that the field points to, as children.
  private func reach(
    from parent: Int, _ field: Int, skipping: Int = 0, count: Int, _ edge: Edge, _ nodes: List,
    _ ways: inout [Way]
  ) throws(ArtifactError) {
    let start = memory.load32(at: field) - nodes.offset
    let first = start / nodes.stride + skipping
    guard start >= 0, start % nodes.stride == 0, first > parent, first <= nodes.count,
      count <= nodes.count - first
    else { throw malformed("a node's children lie outside the nodes") }
    guard !ways[parent].isEnd else { throw malformed("a wildcard's node has children") }
    var way = ways[parent]
    way.isEnd = edge == .wildcard
    way.depth += 1
    way.parameters += edge == .literal ? 0 : 1
    guard Int(way.depth) <= memory.load32(at: Header.depth),
      Int(way.parameters) <= Limits.routeParametersMax
    else { throw malformed("the tree is too deep") }
    for child in first..<(first + count) {
      let length = try verifyKey(ofNodeAt: nodes.offset + child * nodes.stride)
      // An empty slot of a hash table.
      if edge == .literal && length == 0 { continue }
      guard (length > 0) == (edge == .literal || edge == .suffix) else {
        throw malformed("a node's text does not go with its place")
      }
      guard !ways[child].isReached else { throw malformed("a node is reached twice") }
      ways[child] = way
    }
  }

  /// The length of a node's text, which lies inside the table.
  private func verifyKey(ofNodeAt offset: Int) throws(ArtifactError) -> Int {
    let length = Int(memory.load(UInt16.self, at: offset + Node.textLength))
    let text = memory.load32(at: offset + Node.textOffset)
    guard length > 16 ? memory.contains(offset: text, length: length) : text == 0 else {
      throw malformed("the text of a node lies outside it")
    }
    return length
  }

  private func malformed(_ problem: String) -> ArtifactError {
    .malformed(section: "routes", problem: problem)
  }
}
