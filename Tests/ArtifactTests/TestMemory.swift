// Memory for images under test: aligned as the runtime's, freed with the value that owns it, and exactly as
// long as the bytes, so that an address sanitizer sees a read past their end.

@testable import SpacerArtifact

/// Owns a copy of some bytes, aligned to 64. Whoever uses an image in it has to keep it alive.
final class TestMemory {
  let buffer: UnsafeMutableRawBufferPointer

  init(_ bytes: [UInt8]) {
    buffer = .allocate(byteCount: bytes.count, alignment: 64)
    buffer.copyBytes(from: bytes)
  }

  deinit { buffer.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(buffer) }
}

/// A route table together with its memory.
struct TestRoutes {
  let memory: TestMemory
  let table: RouteTable

  init(_ routes: [ArtifactContents.Route]) throws(ArtifactError) {
    memory = TestMemory(try RouteTableBuilder.encode(routes))
    table = try RouteTable(verifying: memory.bytes, moduleCount: (routes.map(\.module).max() ?? 0) + 1)
  }

  /// Routes as a gateway writes them, one a line: `GET /users/:id`. The module is the line's index.
  init(_ text: String) throws(ArtifactError) {
    try self.init(Self.parse(text))
  }

  static func parse(_ text: String) -> [ArtifactContents.Route] {
    text.split(separator: "\n").enumerated().map { index, line in
      let parts = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      let methods = parts[0].split(separator: "|").reduce(into: RouteMethods()) { methods, name in
        methods.formUnion(RouteMethod(name: String(name)).map { RouteMethods($0) } ?? .any)
      }
      return ArtifactContents.Route(methods: methods, pattern: String(parts[1]), module: index)
    }
  }

  /// Normalises as the runtime does and matches: `GET /users/:id id=7`, or nil.
  func match(_ method: RouteMethod, _ path: String) -> String? {
    var bytes = Array(path.utf8)
    if PathNormalizer.needsNormalization(bytes.span) {
      var span = bytes.mutableSpan
      guard let length = PathNormalizer.normalize(&span) else { return "invalid" }
      bytes.removeLast(bytes.count - length)
    }
    var parameters = RouteParameters()
    guard let index = table.match(method, path: bytes.span, parameters: &parameters) else { return nil }
    let route = table.route(index)
    var parts = [route.methods.text, String(decoding: route.pattern, as: UTF8.self)]
    for index in 0..<parameters.count {
      let name = String(decoding: route.parameterName(index), as: UTF8.self)
      parts.append("\(name)=\(parameters.value(index, of: bytes))")
    }
    return parts.joined(separator: " ")
  }

  func allowed(_ path: String) -> String {
    table.allowedMethods(path: Array(path.utf8).span).allowText
  }
}
