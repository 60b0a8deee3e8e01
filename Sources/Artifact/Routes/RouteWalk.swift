// The walk over the route table: the one place that reads it, and the path, without checks.
//
// Memory is safe because
// - the table has passed `RouteTableVerifier`: whatever offset a node holds leads to a node, and the stack of
//   open choices is as deep as the deepest tree allowed;
// - the path is read in words of 8 bytes that lie within it; a shorter one is copied to 8 bytes first.
//
// Time is bounded because the tree's level is the path's segment: a node can be tried only at the one segment
// that its depth says, along the one way that leads to it. So a walk visits each node at most once, whatever
// the routes and the path are, and usually one a segment; nodes whose subtree lacks the wanted methods are
// not entered. There is at most one open choice a level.

/// One walk along a path of at least 8 readable bytes.
private struct RouteWalk {
  typealias Node = RouteLayout.Node

  let table: UnsafeRawPointer
  let path: UnsafeRawPointer
  /// The path's length; the words that are read end at `readable`, which is 8 for a shorter path.
  let count: Int
  let readable: Int

  /// A node with alternatives that have not been tried.
  struct Choice {
    var node: UnsafeRawPointer
    /// Slashes of the window after the node's segment.
    var slashes: UInt64
    var start: UInt32
    var end: UInt32
    var window: UInt32
    /// The alternative to try next.
    var stage: UInt16
    var parameters: UInt16
  }

  /// Where a walk ended.
  struct Result {
    /// Which of the wanted methods are routed.
    var found: UInt8
    /// The node where the last of them was found, meaningful when there is one.
    var node: UnsafeRawPointer
    var parameters: Int
  }

  /// Walks until every wanted method has been found or nothing is left to try.
  @inline(__always)
  func run(
    wanted: UInt8, parameters: UnsafeMutablePointer<UInt64>, choices: UnsafeMutablePointer<Choice>
  ) -> Result {
    var wanted = wanted
    var node = table + RouteLayout.Header.size
    var result = Result(found: 0, node: node, parameters: 0)
    var parameterCount = 0
    var open = 0
    var window = 0
    var start = 1
    var slashes = self.slashes(from: 0) & ~1
    var end = 0
    var stage = 0

    walk: while true {
      descent: do {
        if stage == 0 {
          if start >= count {
            if finish(&result, at: node, parameterCount, &wanted) { return result }
            break descent
          }
          while slashes == 0 {
            window += 64
            slashes = self.slashes(from: window)
          }
          end = window &+ slashes.trailingZeroBitCount
          slashes &= slashes &- 1
          if end == start { break descent }
          if let child = literalChild(of: node, start, end), byte(child, Node.methodsBelow) & wanted != 0 {
            if byte(node, Node.alternativeMethods) & wanted != 0 {
              choices[open] = Choice(
                node: node, slashes: slashes, start: UInt32(truncatingIfNeeded: start),
                end: UInt32(truncatingIfNeeded: end), window: UInt32(truncatingIfNeeded: window), stage: 1,
                parameters: UInt16(truncatingIfNeeded: parameterCount))
              open &+= 1
            }
            node = child
            start = end &+ 1
            continue walk
          }
          if byte(node, Node.alternativeMethods) & wanted == 0 { break descent }
          stage = 1
        }
        let suffixes = Int(node.load(fromByteOffset: Node.suffixCount, as: UInt16.self))
        while stage <= suffixes {
          let child = pointer(node, Node.others) + (stage &- 1) &* Node.size
          stage &+= 1
          if byte(child, Node.methodsBelow) & wanted != 0, let valueEnd = suffixStart(child, start, end) {
            choices[open] = Choice(
              node: node, slashes: slashes, start: UInt32(truncatingIfNeeded: start),
              end: UInt32(truncatingIfNeeded: end), window: UInt32(truncatingIfNeeded: window),
              stage: UInt16(truncatingIfNeeded: stage),
              parameters: UInt16(truncatingIfNeeded: parameterCount))
            open &+= 1
            parameters[parameterCount] = Self.range(start, valueEnd)
            parameterCount &+= 1
            node = child
            start = end &+ 1
            stage = 0
            continue walk
          }
        }
        let wildcard = byte(node, Node.wildcardMethods)
        if stage == suffixes &+ 1 {
          let offset = node.load(fromByteOffset: Node.parameter, as: UInt32.self)
          let child = table + Int(offset)
          if offset != 0, byte(child, Node.methodsBelow) & wanted != 0 {
            if wildcard & wanted != 0 {
              choices[open] = Choice(
                node: node, slashes: slashes, start: UInt32(truncatingIfNeeded: start),
                end: UInt32(truncatingIfNeeded: end), window: UInt32(truncatingIfNeeded: window),
                stage: UInt16(truncatingIfNeeded: stage &+ 1),
                parameters: UInt16(truncatingIfNeeded: parameterCount))
              open &+= 1
            }
            parameters[parameterCount] = Self.range(start, end)
            parameterCount &+= 1
            node = child
            start = end &+ 1
            stage = 0
            continue walk
          }
        }
        if wildcard & wanted != 0 {
          // A trailing slash never matters.
          let last = path.load(fromByteOffset: count &- 1, as: UInt8.self)
          parameters[parameterCount] = Self.range(start, last == UInt8(ascii: "/") ? count &- 1 : count)
          let child = pointer(node, Node.others) + suffixes &* Node.size
          if finish(&result, at: child, parameterCount &+ 1, &wanted) { return result }
        }
      }
      // Nothing more here: back to the last open choice.
      if open == 0 { return result }
      open &-= 1
      let choice = choices[open]
      node = choice.node
      slashes = choice.slashes
      start = Int(choice.start)
      end = Int(choice.end)
      window = Int(choice.window)
      stage = Int(choice.stage)
      parameterCount = Int(choice.parameters)
    }
  }

  /// The path ends at a node: takes the wanted methods routed there. True when nothing more is wanted.
  @inline(__always)
  private func finish(
    _ result: inout Result, at node: UnsafeRawPointer, _ parameterCount: Int, _ wanted: inout UInt8
  ) -> Bool {
    let here = byte(node, Node.methodsHere) & wanted
    if here != 0 {
      result.found |= here
      result.node = node
      result.parameters = parameterCount
      wanted &= ~here
    }
    return wanted == 0
  }

  // MARK: Nodes

  @inline(__always)
  private func literalChild(of node: UnsafeRawPointer, _ start: Int, _ end: Int) -> UnsafeRawPointer? {
    var probes = node.load(fromByteOffset: Node.probes, as: UInt16.self)
    if probes == 0 { return nil }
    let key = self.key(start, end)
    let length = UInt64(truncatingIfNeeded: end &- start)
    let shift = UInt64(byte(node, Node.shift))
    let mask = node.load(fromByteOffset: Node.staticsMask, as: UInt32.self)
    let slot = Int(UInt32(truncatingIfNeeded: key.hash &>> shift) & mask)
    var child = pointer(node, Node.statics) + slot &* Node.size
    while true {
      let differences =
        (child.load(fromByteOffset: Node.keyLow, as: UInt64.self) ^ key.low)
        | (child.load(fromByteOffset: Node.keyHigh, as: UInt64.self) ^ key.high)
        | (UInt64(child.load(fromByteOffset: Node.textLength, as: UInt16.self)) ^ length)
      if differences == 0, length <= 16 || hasMiddle(child, start, Int(length)) { return child }
      probes &-= 1
      if probes == 0 { return nil }
      child += Node.size
    }
  }

  /// Where the suffix of a node begins in the segment, if the segment has it and a byte before it.
  @inline(__always)
  private func suffixStart(_ node: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int? {
    let length = Int(node.load(fromByteOffset: Node.textLength, as: UInt16.self))
    let suffix = end &- length
    if suffix <= start { return nil }
    let key = self.key(suffix, end)
    guard node.load(fromByteOffset: Node.keyLow, as: UInt64.self) == key.low,
      node.load(fromByteOffset: Node.keyHigh, as: UInt64.self) == key.high,
      length <= 16 || hasMiddle(node, suffix, length)
    else { return nil }
    return suffix
  }

  /// Whether a text longer than 16 bytes agrees between its first and last eight bytes.
  @inline(never)
  private func hasMiddle(_ node: UnsafeRawPointer, _ start: Int, _ length: Int) -> Bool {
    let text = pointer(node, Node.textOffset)
    for index in 8..<(length &- 8)
    where text.load(fromByteOffset: index, as: UInt8.self)
      != path.load(fromByteOffset: start &+ index, as: UInt8.self)
    {
      return false
    }
    return true
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

  // MARK: The path

  /// The word at `offset`, below the path's length; bytes past the path's end read as zero.
  @inline(__always)
  private func word(_ offset: Int) -> UInt64 {
    let start = min(offset, readable &- 8)
    let word = path.loadUnaligned(fromByteOffset: start, as: UInt64.self)
    return word &>> UInt64(truncatingIfNeeded: (offset &- start) &* 8)
  }

  /// The key of the bytes `start..<end`, at least one.
  @inline(__always)
  private func key(_ start: Int, _ end: Int) -> SegmentKey {
    let length = end &- start
    let missing = UInt64(truncatingIfNeeded: max(8 &- length, 0) &* 8)
    let mask = ~0 &>> missing
    return SegmentKey(low: word(start) & mask, high: word(max(start, end &- 8)) & mask)
  }

  /// A bit for each slash among the 64 bytes from `window`, and one for the end of the path if it is there.
  @inline(__always)
  private func slashes(from window: Int) -> UInt64 {
    var result: UInt64 = 0
    let bytes = min(count &- window, 64)
    var offset = 0
    while offset < bytes {
      let difference = word(window &+ offset) ^ 0x2F2F_2F2F_2F2F_2F2F
      let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
      // 0x80 in each byte that was zero, exactly; then those bits gathered in the low byte.
      let zeros = ~(((difference & low) &+ low) | difference | low)
      let gathered = ((zeros &>> 7) &* 0x0102_0408_1020_4080) &>> 56
      result |= gathered &<< UInt64(truncatingIfNeeded: offset)
      offset &+= 8
    }
    if bytes < 64 { result |= 1 &<< UInt64(truncatingIfNeeded: bytes) }
    return result
  }
}

extension RouteTable {
  /// The route that a walk for one method finds.
  @inline(__always)
  func walk(_ method: RouteMethod, _ path: Span<UInt8>, _ parameters: inout RouteParameters) -> Int? {
    let result = run(wanted: method.bit, path, &parameters)
    guard result.found != 0 else {
      parameters.count = 0
      return nil
    }
    parameters.count = result.parameters
    let offset = RouteLayout.Node.routes + 2 * Int(method.rawValue)
    return Int(result.node.load(fromByteOffset: offset, as: UInt16.self))
  }

  /// Every method for which some pattern matches the path.
  func collect(_ path: Span<UInt8>) -> RouteMethods {
    var scratch = RouteParameters()
    return RouteMethods(rawValue: run(wanted: 0xFF, path, &scratch).found)
  }

  @inline(__always)
  private func run(
    wanted: UInt8, _ path: Span<UInt8>, _ parameters: inout RouteParameters
  ) -> RouteWalk.Result {
    let table = memory.base
    return path.withUnsafeBytes { path in
      guard let base = path.baseAddress, base.load(as: UInt8.self) == UInt8(ascii: "/"),
        path.count <= Int(Int32.max)
      else { return RouteWalk.Result(found: 0, node: table, parameters: 0) }
      return withUnsafeTemporaryAllocation(
        of: RouteWalk.Choice.self, capacity: Limits.patternSegmentsMax
      ) { choices in
        withUnsafeMutablePointer(to: &parameters.ranges) { ranges in
          // The array's elements lie at its address, contiguously. A temporary allocation has an address.
          let ranges = UnsafeMutableRawPointer(ranges).assumingMemoryBound(to: UInt64.self)
          guard let choices = choices.baseAddress else {
            return RouteWalk.Result(found: 0, node: table, parameters: 0)
          }
          if path.count >= 8 {
            return RouteWalk(table: table, path: base, count: path.count, readable: path.count)
              .run(wanted: wanted, parameters: ranges, choices: choices)
          }
          var word: UInt64 = 0
          for offset in 0..<path.count {
            word |= UInt64(base.load(fromByteOffset: offset, as: UInt8.self)) &<< UInt64(8 &* offset)
          }
          return withUnsafeBytes(of: word.littleEndian) { copy in
            guard let base = copy.baseAddress else {
              return RouteWalk.Result(found: 0, node: table, parameters: 0)
            }
            return RouteWalk(table: table, path: base, count: path.count, readable: 8)
              .run(wanted: wanted, parameters: ranges, choices: choices)
          }
        }
      }
    }
  }
}
