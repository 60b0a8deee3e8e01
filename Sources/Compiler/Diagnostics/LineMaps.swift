// Line maps on demand: a project has a thousand files, a report names a few.

/// The line maps of a set of sources, each made when first asked for. Used by one thread at a time.
final class LineMaps {
  private let sources: [String: [UInt8]]
  private var maps: [String: LineMap] = [:]

  init(_ sources: [String: [UInt8]]) { self.sources = sources }

  /// Nil for a path that is not among the sources.
  subscript(path: String) -> LineMap? {
    if let map = maps[path] { return map }
    guard let bytes = sources[path] else { return nil }
    let map = LineMap(bytes)
    maps[path] = map
    return map
  }
}
