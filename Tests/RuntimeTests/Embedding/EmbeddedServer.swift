// An application of Lua text that is served in this process, and a client that blocks.

import Glibc
import SpacerArtifact
import SpacerLuaVM
import Testing

@testable import SpacerRuntime

enum EmbeddedServer {
  /// The artifact of functions by name, each routed by POST at `/NAME`.
  static func artifact(
    _ functions: [String: String], capabilities: [ArtifactContents.Capability] = [],
    settings: [ArtifactContents.Setting] = []
  ) throws -> [UInt8] {
    let names = functions.keys.sorted()
    var modules: [ArtifactContents.Module] = []
    for (index, name) in names.enumerated() {
      let path = "app/\(name).lua"
      modules.append(
        .init(
          name: name, path: path, kind: .function,
          bytecode: try BytecodeCompiler().compile(Array((functions[name] ?? "").utf8), path: path),
          contentHash: UInt64(index + 1), capabilities: capabilities))
    }
    return try ArtifactWriter.encode(
      ArtifactContents(
        appName: "embedded", spacerRelease: "0", luaRelease: LuaHostState.luaRelease,
        architecture: LoadedArtifact.architecture, modules: modules,
        routes: names.enumerated().map { .init(methods: .init(.post), pattern: "/\($1)", module: $0) },
        settings: settings, hasCapabilities: true))
  }

  static func application(
    _ functions: [String: String], capabilities: [ArtifactContents.Capability] = [],
    settings: [ArtifactContents.Setting] = []
  ) throws -> SpacerApplication {
    var application = try SpacerApplication(
      artifactBytes: try artifact(functions, capabilities: capabilities, settings: settings))
    application.options.host = "127.0.0.1"
    application.options.port = 0
    application.options.workers = 1
    application.options.environment = "development"
    application.options.log = .nowhere
    return application
  }
}

/// A connection that blocks, closed with the value.
final class BlockingClient {
  private let descriptor: Int32

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw LuaFailure(description: "connect: \(String(cString: strerror(errno)))") }
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  func send(_ path: String, _ body: String = "") {
    let text =
      "POST \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    _ = Array(text.utf8).withUnsafeBytes {
      Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
  }

  /// The answer's body, when the server closes; the status is before it, as `200 {…}`.
  func answer() throws -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count == 0 { break }
      guard count > 0 else { throw LuaFailure(description: "recv: \(String(cString: strerror(errno)))") }
      bytes += chunk[..<count]
    }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.firstRange(of: "\r\n\r\n") else {
      throw LuaFailure(description: "no answer: \(text)")
    }
    let status = text.split(separator: " ").dropFirst().first ?? ""
    return "\(status) \(text[end.upperBound...])".trimmingSuffix("\n")
  }

  static func post(_ port: UInt16, _ path: String, _ body: String = "") throws -> String {
    let client = try BlockingClient(port: port)
    client.send(path, body)
    return try client.answer()
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
