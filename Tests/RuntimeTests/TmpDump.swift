import Foundation
import SpacerArtifact
import SpacerLuaVM
import Testing

@Test func tmpDump() throws {
  let root = "/work/shared/cases/original/project"
  var modules: [ArtifactContents.Module] = []
  let compiler = BytecodeCompiler()
  for folder in ["app", "lib"] {
    let all = FileManager.default.enumerator(atPath: "\(root)/\(folder)")!
    while let f = all.nextObject() as? String {
      guard f.hasSuffix(".lua"), f != "gateway.lua" else { continue }
      let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(root)/\(folder)/\(f)")))
      let name = String(f.dropLast(4))
      modules.append(.init(name: name, path: "\(folder)/\(f)", kind: folder == "lib" ? .library : name.hasPrefix("private/") ? .privateFunction : .function, bytecode: try compiler.compile(data, path: "\(folder)/\(f)"), contentHash: 1))
    }
  }
  let gateway = try String(contentsOfFile: "\(root)/app/gateway.lua", encoding: .utf8)
  var routes: [ArtifactContents.Route] = []
  for line in gateway.split(separator: "\n") where line.contains("{\"") {
    let parts = line.split(separator: "\"")
    let m = RouteMethod.allCases.first { $0.name == parts[1] }!
    var p = String(parts[3]); if p.count > 1 && p.hasSuffix("/") { p.removeLast() }
    routes.append(.init(methods: RouteMethods(m), pattern: p, module: modules.firstIndex { $0.name == parts[5] }!))
  }
  let c = ArtifactContents(appName: "original", spacerRelease: "0.1.0", luaRelease: "Lua 5.4.4", architecture: "x86_64", modules: modules, routes: routes, environmentVariables: ["SPACER_ENV"])
  try Data(ArtifactWriter.encode(c)).write(to: URL(fileURLWithPath: "/tmp/orig.spx"))
}
