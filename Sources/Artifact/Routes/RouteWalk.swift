// The walk over the route table: with `PathWords`, the one place that reads it and the path without checks.
//
// Memory is safe because the table has passed `RouteTableVerifier`: whatever offset a node holds leads to a
// node, and the stack of open choices is as deep as the deepest tree allowed.
//
// Time is bounded because the tree's level is the path's segment: a node can be tried only at the one segment
// that its depth says, along the one way that leads to it. So a walk visits each node at most once, whatever
// the routes and the path are, and usually one a segment; nodes whose subtree lacks the wanted methods are
// not entered. There is at most one open choice a level.
//
// There are two walks. `greedy` takes the first alternative that fits at each segment and never goes back,
// which settles nearly every request; it also knows when its failure settles nothing. Then `full` walks,
// which goes back, and which can look for several methods at once.

/// Where a walk ended.
struct RouteWalkEnd {
  /// Which of the wanted methods are routed.
  var found: UInt8
  /// The node where the last of them was found, meaningful when there is one.
  var node: UnsafeRawPointer
  var parameters: Int
}

/// A table and the path to walk along.
struct RouteWalk {
  private typealias Node = RouteLayout.Node

  let table: UnsafeRawPointer
  let path: PathWords
  /// Room for `Limits.routeParametersMax` ranges.
  let parameters: UnsafeMutablePointer<UInt64>

  // MARK: Greedy

  /// Walks for one method without going back. Nil when that cannot tell the answer. The path has at most 64
  /// bytes.
  @inline(__always)
  func greedy(wanted: UInt8) -> RouteWalkEnd? {
    var node = table + RouteLayout.Header.size
    var passedOver: UInt8 = 0
    var parameterCount = 0
    var start = 1
    var slashes = path.slashes64() & ~1
    while start < path.count {
      let end = slashes.trailingZeroBitCount
      slashes &= slashes &- 1
      if end == start { return nil }
      if let child = literalChild(of: node, start, end), byte(child, Node.methodsBelow) & wanted != 0 {
        passedOver |= byte(node, Node.alternativeMethods)
        node = child
      } else if byte(node, Node.parameterMethods) & wanted != 0,
        node.load(fromByteOffset: Node.suffixCount, as: UInt16.self) == 0
      {
        parameters[parameterCount] = Self.range(start, end)
        parameterCount &+= 1
        passedOver |= byte(node, Node.wildcardMethods)
        node = pointer(node, Node.parameter)
      } else {
        passedOver |= byte(node, Node.alternativeMethods)
        break
      }
      start = end &+ 1
    }
    let found = start < path.count ? 0 : byte(node, Node.methodsHere) & wanted
    if found == 0 && passedOver & wanted != 0 { return nil }
    return RouteWalkEnd(found: found, node: node, parameters: parameterCount)
  }

  // MARK: Full

  /// A node with alternatives that have not been tried.
  struct Choice {
    /// Its offset in the table.
    var node: UInt32
    /// The segment.
    var start: UInt32
    var end: UInt32
    /// The alternative to try next.
    var stage: UInt16
    var parameters: UInt16
  }

  /// Walks until every wanted method has been found or nothing is left to try.
  @inline(never)
  func full(wanted: UInt8) -> RouteWalkEnd {
    withUnsafeTemporaryAllocation(of: Choice.self, capacity: Limits.patternSegmentsMax) { choices in
      var walk = FullWalk(self, wanted: wanted, choices: choices)
      return walk.run()
    }
  }

  /// The state of a walk that goes back.
  private struct FullWalk {
    private let walk: RouteWalk
    private let choices: UnsafeMutableBufferPointer<Choice>
    private var wanted: UInt8
    private var node: UnsafeRawPointer
    private var start = 1
    private var end = 0
    private var parameterCount = 0
    private var open = 0
    private var result: RouteWalkEnd

    init(_ walk: RouteWalk, wanted: UInt8, choices: UnsafeMutableBufferPointer<Choice>) {
      self.walk = walk
      self.choices = choices
      self.wanted = wanted
      node = walk.table + RouteLayout.Header.size
      result = RouteWalkEnd(found: 0, node: node, parameters: 0)
    }

    mutating func run() -> RouteWalkEnd {
      var stage = 0
      while wanted != 0 {
        if descend(stage) {
          stage = 0
        } else {
          guard open > 0, wanted != 0 else { break }
          open -= 1
          let choice = choices[open]
          node = walk.table + Int(choice.node)
          start = Int(choice.start)
          end = Int(choice.end)
          parameterCount = Int(choice.parameters)
          stage = Int(choice.stage)
        }
      }
      return result
    }

    /// Goes to the first child that fits, from alternative `stage` on: 0 is literal text, then come the
    /// suffixes, the parameter and the wildcard. False when there is none, or the path ends here.
    private mutating func descend(_ stage: Int) -> Bool {
      var stage = stage
      if stage == 0 {
        guard start < walk.path.count else {
          finish(at: node, parameterCount)
          return false
        }
        end = walk.path.slash(from: start)
        if end == start { return false }
        stage = 1
        if let child = walk.literalChild(of: node, start, end) {
          if enter(child, from: Node.alternativeMethods, stage) { return true }
        }
        if walk.byte(node, Node.alternativeMethods) & wanted == 0 { return false }
      }
      let suffixes = Int(node.load(fromByteOffset: Node.suffixCount, as: UInt16.self))
      while stage <= suffixes {
        let child = walk.pointer(node, Node.others) + (stage - 1) * Node.size
        stage += 1
        if let valueEnd = walk.suffixStart(child, start, end) {
          if enter(child, from: Node.alternativeMethods, stage, value: valueEnd) { return true }
        }
      }
      if stage == suffixes + 1, walk.byte(node, Node.parameterMethods) != 0 {
        let child = walk.pointer(node, Node.parameter)
        if enter(child, from: Node.wildcardMethods, stage + 1, value: end) { return true }
      }
      if walk.byte(node, Node.wildcardMethods) & wanted != 0 {
        walk.parameters[parameterCount] = RouteWalk.range(start, walk.path.endWithoutSlash)
        finish(at: walk.pointer(node, Node.others) + suffixes * Node.size, parameterCount + 1)
      }
      return false
    }

    /// Makes a child the current node if it leads to a wanted method, and keeps the choice open when the
    /// methods in the field `alternatives` say that there is more to try at this node.
    private mutating func enter(
      _ child: UnsafeRawPointer, from alternatives: Int, _ stage: Int, value valueEnd: Int? = nil
    ) -> Bool {
      guard walk.byte(child, Node.methodsBelow) & wanted != 0 else { return false }
      if walk.byte(node, alternatives) & wanted != 0 {
        choices[open] = Choice(
          node: UInt32(node - walk.table), start: UInt32(start), end: UInt32(end), stage: UInt16(stage),
          parameters: UInt16(parameterCount))
        open += 1
      }
      if let valueEnd {
        walk.parameters[parameterCount] = RouteWalk.range(start, valueEnd)
        parameterCount += 1
      }
      node = child
      start = end + 1
      return true
    }

    /// The path ends at a node: takes the wanted methods routed there.
    private mutating func finish(at node: UnsafeRawPointer, _ parameterCount: Int) {
      let here = walk.byte(node, Node.methodsHere) & wanted
      guard here != 0 else { return }
      result.found |= here
      result.node = node
      result.parameters = parameterCount
      wanted &= ~here
    }
  }

  // MARK: Nodes

  @inline(__always)
  private func literalChild(of node: UnsafeRawPointer, _ start: Int, _ end: Int) -> UnsafeRawPointer? {
    var probes = node.load(fromByteOffset: Node.probes, as: UInt16.self)
    if probes == 0 { return nil }
    let key = path.key(start, end)
    let length = end &- start
    let shift = UInt64(byte(node, Node.shift))
    let mask = node.load(fromByteOffset: Node.staticsMask, as: UInt32.self)
    let slot = Int(UInt32(truncatingIfNeeded: key.hash &>> shift) & mask)
    var child = pointer(node, Node.statics) + slot &* Node.size
    while true {
      if child.load(fromByteOffset: Node.keyLow, as: UInt64.self) == key.low,
        child.load(fromByteOffset: Node.keyHigh, as: UInt64.self) == key.high,
        Int(child.load(fromByteOffset: Node.textLength, as: UInt16.self)) == length,
        length <= 16 || path.hasMiddle(pointer(child, Node.textOffset), start, length)
      {
        return child
      }
      probes &-= 1
      if probes == 0 { return nil }
      child += Node.size
    }
  }

  /// Where the suffix of a node begins in the segment, if the segment has it and a byte before it.
  private func suffixStart(_ node: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int? {
    let length = Int(node.load(fromByteOffset: Node.textLength, as: UInt16.self))
    let suffix = end &- length
    if suffix <= start { return nil }
    let key = path.key(suffix, end)
    guard node.load(fromByteOffset: Node.keyLow, as: UInt64.self) == key.low,
      node.load(fromByteOffset: Node.keyHigh, as: UInt64.self) == key.high,
      length <= 16 || path.hasMiddle(pointer(node, Node.textOffset), suffix, length)
    else { return nil }
    return suffix
  }

  @inline(__always)
  private func byte(_ node: UnsafeRawPointer, _ offset: Int) -> UInt8 {
    node.load(fromByteOffset: offset, as: UInt8.self)
  }

  @inline(__always)
  private func pointer(_ node: UnsafeRawPointer, _ offset: Int) -> UnsafeRawPointer {
    table + Int(node.load(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  private static func range(_ start: Int, _ end: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: start) | UInt64(truncatingIfNeeded: end) &<< 32
  }
}

extension RouteTable {
  /// The route that a walk for one method finds.
  @inline(__always)
  func walk(_ method: RouteMethod, _ path: Span<UInt8>, _ parameters: inout RouteParameters) -> Int? {
    let end = walk(wanted: 1 &<< method.rawValue, path, &parameters)
    guard end.found != 0 else {
      parameters.count = 0
      return nil
    }
    parameters.count = end.parameters
    let offset = RouteLayout.Node.routes + 2 * Int(method.rawValue)
    return Int(end.node.load(fromByteOffset: offset, as: UInt16.self))
  }

  /// Every method for which some pattern matches the path.
  func collect(_ path: Span<UInt8>) -> RouteMethods {
    var scratch = RouteParameters()
    return RouteMethods(rawValue: walk(wanted: 0xFF, path, &scratch).found)
  }

  @inline(__always)
  private func walk(
    wanted: UInt8, _ path: Span<UInt8>, _ parameters: inout RouteParameters
  ) -> RouteWalkEnd {
    path.withUnsafeBytes { path in
      withUnsafeMutablePointer(to: &parameters.ranges) { ranges in
        // The array's elements lie at its address, contiguously.
        let ranges = UnsafeMutableRawPointer(ranges).assumingMemoryBound(to: UInt64.self)
        return PathWords.with(path) { path in
          let walk = RouteWalk(table: memory.base, path: path, parameters: ranges)
          if path.count <= 64, wanted & (wanted &- 1) == 0, let end = walk.greedy(wanted: wanted) {
            return end
          }
          return walk.full(wanted: wanted)
        } ?? RouteWalkEnd(found: 0, node: memory.base, parameters: 0)
      }
    }
  }
}
