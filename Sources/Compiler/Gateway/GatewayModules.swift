// The modules that one evaluation loads: found by the project's rules, parsed, marked, handed to the sandbox.

internal import SpacerLuaVM

/// Loads modules for the sandbox and remembers what their marks stand for. Used by one thread.
final class GatewayModules {
  /// A loaded file.
  struct File {
    var path: String
    var tree: SyntaxTree
    var lines: LineMap
  }

  private let scan: ScannedProject
  private let gateway: (path: String, bytes: [UInt8])
  private let read: (String) -> [UInt8]?
  private var sources: [String: GatewayState.Source] = [:]
  private(set) var files: [File] = []
  /// By id: the index into `files`, and the constructor.
  private(set) var constructors: [(file: Int, node: NodeID)] = []
  private(set) var requires: [GatewayEvaluation.Requirement] = []

  init(scan: ScannedProject, gateway: (path: String, bytes: [UInt8]), read: @escaping (String) -> [UInt8]?) {
    self.scan = scan
    self.gateway = gateway
    self.read = read
  }

  /// The gateway's own file, once it was asked for.
  var gatewayFile: File? { files.first { $0.path == gateway.path } }

  func file(_ path: String) -> File? { files.first { $0.path == path } }

  /// Answers the sandbox: nil asks for the gateway.
  func find(_ name: String?) -> Result<GatewayState.Source, GatewayState.Refusal> {
    guard let name else { return .success(source(gateway.path, gateway.bytes)) }
    guard let index = scan.resolve(require: name) else {
      note(name, nil)
      return .failure(refusal(name))
    }
    let path = scan.modules[index].path
    note(name, path)
    if let source = sources[path] { return .success(source) }
    guard let bytes = read(path) else { return .failure(.init("cannot read '\(path)'")) }
    return .success(source(path, bytes))
  }

  private func note(_ name: String, _ path: String?) {
    let requirement = GatewayEvaluation.Requirement(name: name, path: path)
    if !requires.contains(requirement) { requires.append(requirement) }
  }

  private func refusal(_ name: String) -> GatewayState.Refusal {
    if BuiltinModules.names.contains(name) {
      return .init("the built-in module '\(name)' serves requests: the gateway runs at build time without it")
    }
    return .init("no module '\(name)' under app/ or lib/")
  }

  private func source(_ path: String, _ bytes: [UInt8]) -> GatewayState.Source {
    let parsed = Parser.parse(bytes, path: path)
    files.append(File(path: path, tree: parsed.tree, lines: LineMap(bytes)))
    let result: GatewayState.Source
    let marked =
      parsed.diagnostics.isEmpty
      ? GatewayInstrumenter.instrument(bytes, tree: parsed.tree, firstID: constructors.count) : nil
    // A text at the VM's limits may pass them with marks: then it goes without.
    if let marked, (try? BytecodeCompiler().compile(marked.text, path: path)) != nil {
      for node in marked.constructors { constructors.append((files.count - 1, node)) }
      result = GatewayState.Source(text: marked.text, path: path, isWrapped: true)
    } else {
      let body = Array(bytes[LuaSource.body(of: bytes)...])
      result = GatewayState.Source(text: body, path: path, isWrapped: false)
    }
    sources[path] = result
    return result
  }
}
