// Example paths for pairs of routes: see `RouteDiff` for what they prove.

import SpacerArtifact

/// The pairs of old and new routes of which one at least is not in both lists.
struct RoutePairs {
  private let old: [RouteDiff.Entry]
  private let new: [RouteDiff.Entry]
  private let literals: Set<[UInt8]>
  /// Segments of the longest pattern.
  private let deepest: Int

  init(_ old: [RouteDiff.Entry], _ new: [RouteDiff.Entry]) {
    self.old = old
    self.new = new
    var literals: Set<[UInt8]> = []
    var deepest = 0
    for entry in old + new {
      deepest = max(deepest, entry.pattern.segments.count)
      for case .literal(let text) in entry.pattern.segments { literals.insert(text) }
    }
    self.literals = literals
    self.deepest = deepest
  }

  /// Hands out a path for each such pair, and for each old route that is gone; the same path may come again.
  func forEachExample(_ body: ([UInt8]) -> Void) {
    let byBeginning = Dictionary(grouping: new.indices) { Self.beginning(new[$0]) }
    let anywhere = byBeginning[nil] ?? []
    for route in old {
      if !route.isKept { examples(route.pattern.segments, route.pattern.segments).forEach(body) }
      let beginning = Self.beginning(route)
      let partners = beginning.map { (byBeginning[$0] ?? []) + anywhere } ?? Array(new.indices)
      for index in partners where !(route.isKept && new[index].isKept) {
        examples(route.pattern.segments, new[index].pattern.segments).forEach(body)
      }
    }
  }

  /// The first segment's text; nil when it can be any, or there is none.
  private static func beginning(_ entry: RouteDiff.Entry) -> [UInt8]? {
    if case .literal(let text) = entry.pattern.segments.first { text } else { nil }
  }

  /// Paths that both patterns fit: none, one, or where both end in a wildcard one for each number of segments
  /// that it can take; beyond the deepest pattern only wildcards fit, so that nothing changes any more.
  private func examples(_ a: [RoutePattern.Segment], _ b: [RoutePattern.Segment]) -> [[UInt8]] {
    var path: [UInt8] = []
    var index = 0
    while true {
      let first = index < a.count ? a[index] : nil
      let second = index < b.count ? b[index] : nil
      guard let first, let second else {
        return first == nil && second == nil ? [path.isEmpty ? [UInt8(ascii: "/")] : path] : []
      }
      if case .wildcard(let name) = first {
        return rest(name, b[index...]).map { path + $0 }
      }
      if case .wildcard(let name) = second {
        return rest(name, a[index...]).map { path + $0 }
      }
      guard let segment = common(first, second) else { return [] }
      path.append(UInt8(ascii: "/"))
      path += segment
      index += 1
    }
  }

  /// What fits a wildcard and the segments that stand against it.
  private func rest(_ name: String, _ segments: ArraySlice<RoutePattern.Segment>) -> [[UInt8]] {
    var path: [UInt8] = []
    for segment in segments {
      if case .wildcard = segment {
        return (1...(deepest + 1)).map { count in
          path + (0..<count).flatMap { _ in [UInt8(ascii: "/")] + value(name) }
        }
      }
      path.append(UInt8(ascii: "/"))
      path += common(segment, segment) ?? []
    }
    return [path]
  }

  /// Text of one segment that both fit, with a value of its own where both leave it open.
  private func common(_ a: RoutePattern.Segment, _ b: RoutePattern.Segment) -> [UInt8]? {
    switch (a, b) {
    case (.literal(let first), .literal(let second)): return first == second ? first : nil
    case (.literal(let text), .parameter(_, let suffix)), (.parameter(_, let suffix), .literal(let text)):
      return text.count > suffix.count && text.suffix(suffix.count).elementsEqual(suffix) ? text : nil
    case (.parameter(let name, let first), .parameter(_, let second)):
      let (longer, shorter) = first.count >= second.count ? (first, second) : (second, first)
      return longer.suffix(shorter.count).elementsEqual(shorter) ? value(name) + longer : nil
    default: return nil
    }
  }

  /// A value that is no literal text; made of a name's bytes, so that it ends with no suffix.
  private func value(_ name: String) -> [UInt8] {
    var number = 0
    while true {
      let value = Array((number == 0 ? name : "\(name)\(number)").utf8)
      if !literals.contains(value) { return value }
      number += 1
    }
  }
}
