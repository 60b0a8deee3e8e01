// Our matcher, used as the runtime uses it: the paths lie in one buffer, the parameters' storage is kept.
// The storage is a local variable: as a property of a class each use would be checked for exclusive access at
// run time, which takes as long as the match.

import SpacerArtifact

final class SpacerSubject {
  private let memory: UnsafeMutableRawBufferPointer
  private let table: RouteTable

  init(_ routes: [Lookup]) throws {
    let bytes = try RouteTableBuilder.encode(
      routes.map { ArtifactContents.Route(methods: RouteMethods($0.method), pattern: $0.pattern, module: 0) })
    memory = .allocate(byteCount: bytes.count, alignment: 64)
    memory.copyBytes(from: bytes)
    table = try RouteTable(verifying: UnsafeRawBufferPointer(memory), moduleCount: 1)
    tableBytes = bytes.count
  }

  let tableBytes: Int

  deinit { memory.deallocate() }

  /// Requests in one buffer.
  struct Requests {
    var bytes: [UInt8] = []
    var items: [(method: RouteMethod, path: Range<Int>)] = []

    init(_ lookups: [Lookup]) {
      for lookup in lookups {
        let start = bytes.count
        bytes += Array(lookup.path.utf8)
        items.append((lookup.method, start..<bytes.count))
        bytes += Array(" HTTP/1.1\r\n".utf8)
      }
    }
  }

  func match(_ requests: Requests) -> Int {
    let bytes = requests.bytes.span
    var parameters = RouteParameters()
    var sum = 0
    for item in requests.items {
      let route = table.match(item.method, path: bytes.extracting(item.path), parameters: &parameters)
      sum &+= (route ?? 7) &+ parameters.count
    }
    return sum
  }

  /// What a miss costs with the check for 405.
  func matchOrAllow(_ requests: Requests) -> Int {
    let bytes = requests.bytes.span
    var parameters = RouteParameters()
    var sum = 0
    for item in requests.items {
      let path = bytes.extracting(item.path)
      if let route = table.match(item.method, path: path, parameters: &parameters) {
        sum &+= route
      } else {
        sum &+= Int(table.allowedMethods(path: path).rawValue)
      }
    }
    return sum
  }

  func needsNormalization(_ requests: Requests) -> Int {
    let bytes = requests.bytes.span
    var sum = 0
    for item in requests.items {
      sum &+= PathNormalizer.needsNormalization(bytes.extracting(item.path)) ? 1 : 0
    }
    return sum
  }

  /// Checks that each lookup finds its own pattern, so that the figures are of the right work.
  func verify(_ lookups: [Lookup]) -> Bool {
    var parameters = RouteParameters()
    return lookups.allSatisfy { lookup in
      let path = Array(lookup.path.utf8)
      guard let route = table.match(lookup.method, path: path.span, parameters: &parameters)
      else { return false }
      return String(decoding: table.route(route).pattern, as: UTF8.self) == lookup.pattern
    }
  }
}
