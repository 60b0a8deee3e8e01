// The route table of an artifact, read in place. Creating it verifies every offset once (`RouteTableVerifier`),
// so matching, which is on the way of each request, does not check again.

/// Matches methods and paths against the routes of an artifact. Safe to use from any thread.
package struct RouteTable: Sendable {
  /// Starts at the table's first byte.
  let memory: ImageMemory
  let hasExplicitHead: Bool
  private let routesOffset: Int
  private let namesOffset: Int
  private let allowsOffset: Int
  private let allowCount: Int
  /// Routes are numbered `0..<routeCount`, in the order of their patterns.
  package let routeCount: Int

  /// Verifies a table. The memory must be aligned to 64 bytes, outlive every copy of this value and stay as
  /// it is. `moduleCount` bounds the modules that routes may name.
  package init(verifying bytes: UnsafeRawBufferPointer, moduleCount: Int) throws(ArtifactError) {
    memory = ImageMemory(bytes)
    try RouteTableVerifier(memory: memory, moduleCount: moduleCount).verify()
    routesOffset = memory.load32(at: RouteLayout.Header.routesOffset)
    routeCount = memory.load32(at: RouteLayout.Header.routeCount)
    namesOffset = memory.load32(at: RouteLayout.Header.namesOffset)
    allowsOffset = memory.load32(at: RouteLayout.Header.allowsOffset)
    allowCount = memory.load32(at: RouteLayout.Header.allowCount)
    let flags = memory.load(UInt32.self, at: RouteLayout.Header.flags)
    hasExplicitHead = flags & RouteLayout.flagExplicitHead != 0
  }

  /// The route that takes a request, or nil.
  ///
  /// `path` must be in normal form (see `PathNormalizer`) and begin with `/`; another one matches nothing.
  /// Precedence at each segment: literal text, `:name.suffix` (the longest suffix first), `:name`, `*name`,
  /// with backtracking. HEAD is answered by what its own tree, explicit HEAD and ANY, finds if that is an
  /// explicit HEAD, and otherwise as GET. Allocates nothing.
  package func match(
    _ method: RouteMethod, path: Span<UInt8>, parameters: inout RouteParameters
  ) -> Int? {
    if method == .head {
      if hasExplicitHead, let route = walk(.head, path, &parameters),
        self.route(route).methods != .any
      {
        return route
      }
      return walk(.get, path, &parameters)
    }
    return walk(method, path, &parameters)
  }

  /// The union of the methods over every pattern that matches the path, with HEAD where there is GET and
  /// OPTIONS always; empty when no pattern does. For use after a miss: not 404 but 405 when it is not empty.
  package func allowedMethods(path: Span<UInt8>) -> RouteMethods {
    let found = collect(path)
    return found.isEmpty ? [] : found.allowed
  }

  /// One route of the table.
  package struct Route: Sendable {
    fileprivate let table: RouteTable
    fileprivate let offset: Int

    /// As written in the gateway.
    package var pattern: UnsafeRawBufferPointer { table.text(at: offset + RouteLayout.Route.pattern) }
    /// Index into the artifact's modules.
    package var module: Int { table.memory.load32(at: offset + RouteLayout.Route.module) }
    /// 1-based line in the gateway, 0 when the entry was computed.
    package var line: Int { table.memory.load32(at: offset + RouteLayout.Route.line) }
    /// `.any` for an ANY route.
    package var methods: RouteMethods {
      RouteMethods(rawValue: table.memory.load(UInt8.self, at: offset + RouteLayout.Route.methods))
    }
    package var parameterCount: Int {
      Int(table.memory.load(UInt8.self, at: offset + RouteLayout.Route.parameterCount))
    }
    /// What `Allow` says for this route's pattern alone.
    package var allowedMethods: RouteMethods {
      RouteMethods(rawValue: table.memory.load(UInt8.self, at: offset + RouteLayout.Route.allowedMethods))
    }

    /// The name of the parameter whose range the match wrote at `index`. Traps unless
    /// `index < parameterCount`.
    package func parameterName(_ index: Int) -> UnsafeRawBufferPointer {
      precondition(index >= 0 && index < parameterCount)
      let first = table.memory.load32(at: offset + RouteLayout.Route.firstName)
      return table.text(at: table.namesOffset + (first + index) * RouteLayout.Text.size)
    }
  }

  /// The route with an index below `routeCount`; traps otherwise.
  package func route(_ index: Int) -> Route {
    precondition(index >= 0 && index < routeCount)
    return Route(table: self, offset: routesOffset + index * RouteLayout.Route.size)
  }

  /// The body of a 404 answer, with a newline.
  package var notFoundBody: UnsafeRawBufferPointer { text(at: RouteLayout.Header.notFoundBody) }

  /// The body of a 405 answer, with a newline.
  package var methodNotAllowedBody: UnsafeRawBufferPointer {
    text(at: RouteLayout.Header.methodNotAllowedBody)
  }

  /// The ready-made value of `Allow` for a result of `allowedMethods`, which exists for every set that comes
  /// from one pattern; for other sets use `RouteMethods.allowText`.
  package func allowText(_ methods: RouteMethods) -> UnsafeRawBufferPointer? {
    for index in 0..<allowCount {
      let offset = allowsOffset + index * RouteLayout.Allow.size
      if memory.load(UInt8.self, at: offset + RouteLayout.Allow.methods) == methods.rawValue {
        return text(at: offset + RouteLayout.Allow.text)
      }
    }
    return nil
  }

  private func text(at offset: Int) -> UnsafeRawBufferPointer {
    memory.slice(offset: memory.load32(at: offset), length: memory.load32(at: offset + 4)).bytes
  }
}
