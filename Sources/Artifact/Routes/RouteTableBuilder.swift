// Turns routes into the bytes of a route table. The result depends on the set of routes alone: they are
// sorted by pattern, methods and module first.
//
// Nodes are numbered breadth first, each node's children in one run after it, so a child's offset is always
// greater than its parent's: the verifier leans on that.

/// Builds the bytes that `RouteTable` reads.
package enum RouteTableBuilder {
  /// The answers that the table carries ready to send.
  static let notFoundBody = Array("{\"error\":\"not found\"}\n".utf8)
  static let methodNotAllowedBody = Array("{\"error\":\"method not allowed\"}\n".utf8)

  /// Encodes routes. Throws `invalidContents` when a pattern is malformed, two routes take the same method at
  /// the same shape, or a limit is passed.
  package static func encode(_ routes: [ArtifactContents.Route]) throws(ArtifactError) -> [UInt8] {
    guard routes.count <= Limits.routesMax else {
      throw .invalidContents("more than \(Limits.routesMax) routes")
    }
    var encoder = try RouteTableEncoder(routes: sorted(routes))
    return encoder.encode()
  }

  /// The order of routes in an artifact.
  static func sorted(_ routes: [ArtifactContents.Route]) -> [ArtifactContents.Route] {
    routes.sorted { a, b in
      if !a.pattern.utf8.elementsEqual(b.pattern.utf8) {
        return a.pattern.utf8.lexicographicallyPrecedes(b.pattern.utf8)
      }
      if a.methods != b.methods { return a.methods.rawValue < b.methods.rawValue }
      return (a.module, a.line) < (b.module, b.line)
    }
  }
}

private struct RouteTableEncoder {
  private let routes: [ArtifactContents.Route]
  private let patterns: [RoutePattern]
  private let root = RouteTree()
  private var nodes = ByteBuilder()
  private var records = ByteBuilder()
  private var names = ByteBuilder()
  private var allows = ByteBuilder()
  private var text: [UInt8] = []
  private var textOffsets: [[UInt8]: Int] = [:]
  /// Fields that hold an offset into the text, which is placed last.
  private var textFields: [(part: Part, position: Int)] = []

  private enum Part { case nodes, records, names, allows, header }

  init(routes: [ArtifactContents.Route]) throws(ArtifactError) {
    self.routes = routes
    var patterns: [RoutePattern] = []
    var segments = 0
    for (index, route) in routes.enumerated() {
      guard !route.methods.isEmpty else {
        throw .invalidContents("the route '\(route.pattern)' has no method")
      }
      guard route.module >= 0, route.module < Limits.modulesMax, UInt32(exactly: route.line) != nil else {
        throw .invalidContents("the route '\(route.pattern)' has a module or line out of range")
      }
      let pattern: RoutePattern
      do {
        pattern = try RoutePattern(parsing: route.pattern)
      } catch {
        throw .invalidContents("the route '\(route.pattern)' is malformed: \(error)")
      }
      if let other = root.node(for: pattern).add(route: index, methods: route.methods) {
        throw .invalidContents(
          "the routes '\(routes[other].pattern)' and '\(route.pattern)' take the same requests")
      }
      patterns.append(pattern)
      segments += pattern.segments.count
    }
    guard segments <= Limits.routeSegmentsMax else {
      throw .invalidContents("more than \(Limits.routeSegmentsMax) segments in all routes")
    }
    self.patterns = patterns
  }

  mutating func encode() -> [UInt8] {
    placeNodes()
    placeRoutes()
    return assemble()
  }

  // MARK: Nodes

  private mutating func placeNodes() {
    var queue: [(node: RouteTree, position: Int)] = []
    appendNode(root, text: [], to: &queue)
    var next = 0
    while next < queue.count {
      let (node, position) = queue[next]
      next += 1
      placeChildren(of: node, at: position, queue: &queue)
    }
  }

  private mutating func placeChildren(
    of node: RouteTree, at position: Int, queue: inout [(node: RouteTree, position: Int)]
  ) {
    let statics = node.orderedStatics
    if !statics.isEmpty {
      let slots = StaticSlots(keys: statics.map { SegmentKey($0.text) })
      nodes.set(offset(ofNodeAt: nodes.count), at: position + RouteLayout.Node.statics)
      nodes.set(UInt32(slots.mask), at: position + RouteLayout.Node.staticsMask)
      nodes.set(UInt16(clamping: slots.probes), at: position + RouteLayout.Node.probes)
      nodes.set(UInt8(slots.shift), at: position + RouteLayout.Node.shift)
      for slot in slots.slots {
        if let slot {
          appendNode(statics[slot].node, text: statics[slot].text, to: &queue)
        } else {
          nodes.appendZeros(RouteLayout.Node.size)
        }
      }
    }
    let suffixes = node.orderedSuffixes
    if !suffixes.isEmpty || node.wildcard != nil {
      nodes.set(offset(ofNodeAt: nodes.count), at: position + RouteLayout.Node.others)
      nodes.set(UInt16(suffixes.count), at: position + RouteLayout.Node.suffixCount)
      for suffix in suffixes { appendNode(suffix.node, text: suffix.text, to: &queue) }
      if let wildcard = node.wildcard {
        nodes.set(wildcard.methodsHere, at: position + RouteLayout.Node.wildcardMethods)
        appendNode(wildcard, text: [], to: &queue)
      }
    }
    if let parameter = node.parameter {
      nodes.set(parameter.methodsBelow, at: position + RouteLayout.Node.parameterMethods)
      nodes.set(offset(ofNodeAt: nodes.count), at: position + RouteLayout.Node.parameter)
      appendNode(parameter, text: [], to: &queue)
    }
  }

  private func offset(ofNodeAt position: Int) -> UInt32 { UInt32(RouteLayout.Header.size + position) }

  private mutating func appendNode(
    _ node: RouteTree, text: [UInt8], to queue: inout [(node: RouteTree, position: Int)]
  ) {
    let position = nodes.count
    queue.append((node, position))
    let key = SegmentKey(text)
    nodes.append(key.low)
    nodes.append(key.high)
    if text.count > 16 {
      textFields.append((.nodes, position + RouteLayout.Node.textOffset))
      nodes.append(intern(text))
    } else {
      nodes.append(UInt32(0))
    }
    nodes.append(UInt16(text.count))
    nodes.append(node.methodsHere)
    nodes.append(node.methodsBelow)
    nodes.appendZeros(RouteLayout.Node.alternativeMethods - RouteLayout.Node.statics)
    nodes.append(node.alternativeMethods)
    nodes.appendZeros(RouteLayout.Node.routes - RouteLayout.Node.suffixCount)
    for route in node.routes { nodes.append(route.map { UInt16($0) } ?? RouteLayout.noRoute) }
  }

  // MARK: Routes and text

  private mutating func placeRoutes() {
    var texts: [UInt8: [UInt8]] = [:]
    for (route, pattern) in zip(routes, patterns) {
      let here = RouteMethods(rawValue: root.node(for: pattern).methodsHere).allowed
      texts[here.rawValue] = Array(here.allowText.utf8)
      appendRoute(route, pattern, allowed: here)
    }
    for (methods, text) in texts.sorted(by: { $0.key < $1.key }) {
      appendText(text, to: \.allows, .allows)
      allows.append(methods)
      allows.appendZeros(RouteLayout.Allow.size - RouteLayout.Allow.reserved)
    }
  }

  private mutating func appendRoute(
    _ route: ArtifactContents.Route, _ pattern: RoutePattern, allowed: RouteMethods
  ) {
    let parameterNames = pattern.parameterNames
    appendText(Array(route.pattern.utf8), to: \.records, .records)
    records.append(UInt32(route.module))
    records.append(UInt32(route.line))
    records.append(route.methods.rawValue)
    records.append(UInt8(parameterNames.count))
    records.append(UInt16(0))
    records.append(UInt32(names.count / RouteLayout.Text.size))
    records.append(UInt32(allowed.rawValue))
    records.append(UInt32(0))
    for name in parameterNames { appendText(Array(name.utf8), to: \.names, .names) }
  }

  private mutating func appendText(
    _ bytes: [UInt8], to builder: WritableKeyPath<Self, ByteBuilder>, _ part: Part
  ) {
    textFields.append((part, self[keyPath: builder].count))
    self[keyPath: builder].append(intern(bytes))
    self[keyPath: builder].append(UInt32(bytes.count))
  }

  /// The text's offset among all text.
  private mutating func intern(_ bytes: [UInt8]) -> UInt32 {
    if let offset = textOffsets[bytes] { return UInt32(offset) }
    let offset = text.count
    textOffsets[bytes] = offset
    text.append(contentsOf: bytes)
    return UInt32(offset)
  }

  // MARK: The whole

  private mutating func assemble() -> [UInt8] {
    let notFound = intern(RouteTableBuilder.notFoundBody)
    let methodNotAllowed = intern(RouteTableBuilder.methodNotAllowedBody)
    let starts: [Part: Int] = {
      let nodesStart = RouteLayout.Header.size
      let recordsStart = nodesStart + nodes.count
      let namesStart = recordsStart + records.count
      let allowsStart = namesStart + names.count
      return [
        .header: 0, .nodes: nodesStart, .records: recordsStart, .names: namesStart, .allows: allowsStart,
      ]
    }()
    let start = { (part: Part) in starts[part] ?? 0 }
    // Names are 8 bytes each, so the list after them would be aligned to 8: enough for its 32-bit fields.
    let textStart = start(.allows) + allows.count
    var result = ByteBuilder()
    result.append(UInt32(start(.nodes)))
    result.append(UInt32(nodes.count / RouteLayout.Node.size))
    result.append(UInt32(start(.records)))
    result.append(UInt32(routes.count))
    result.append(UInt32(start(.names)))
    result.append(UInt32(names.count / RouteLayout.Text.size))
    result.append(UInt32(start(.allows)))
    result.append(UInt32(allows.count / RouteLayout.Allow.size))
    result.append(UInt32(textStart))
    result.append(UInt32(text.count))
    result.append(UInt32(textStart) + notFound)
    result.append(UInt32(RouteTableBuilder.notFoundBody.count))
    result.append(UInt32(textStart) + methodNotAllowed)
    result.append(UInt32(RouteTableBuilder.methodNotAllowedBody.count))
    result.append(hasExplicitHead ? RouteLayout.flagExplicitHead : 0)
    result.append(UInt32(patterns.map(\.segments.count).max() ?? 0))
    for part in [nodes, records, names, allows] { result.append(contentsOf: part.bytes) }
    for field in textFields {
      let position = start(field.part) + field.position
      result.add(UInt32(textStart), at: position)
    }
    result.append(contentsOf: text)
    return result.bytes
  }

  private var hasExplicitHead: Bool {
    routes.contains { $0.methods != .any && $0.methods.contains(RouteMethods(.head)) }
  }
}
