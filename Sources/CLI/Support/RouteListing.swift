// The routes of an artifact: as a table, and how one request finds its way through them.

import SpacerArtifact
import SpacerCompiler

/// The routes of an artifact.
struct RouteListing {
  private let contents: ArtifactContents

  init(_ file: ArtifactFile) { contents = file.contents }

  var text: String {
    if contents.routes.isEmpty { return "no routes\n" }
    var table = Table(header: ["METHOD", "PATH", "FUNCTION", "DEFINED IN"])
    for route in contents.routes {
      let place = route.line > 0 ? "app/gateway.lua:\(route.line)" : "app/gateway.lua (computed)"
      table.add([route.methods.text, route.pattern, contents.modules[route.module].name, place])
    }
    return table.text
  }

  var json: JSONText { .array(contents.routes.indices.map { object($0) }) }

  private func object(_ index: Int) -> JSONText {
    let route = contents.routes[index]
    let module = contents.modules[route.module]
    return .object([
      ("methods", route.methods.json), ("pattern", .string(route.pattern)),
      ("function", .string(module.name)), ("file", .string(module.path)), ("line", .integer(route.line)),
    ])
  }

  /// What is said of one request.
  struct Explanation {
    var text: String
    var json: JSONText
  }

  /// How a request is matched.
  func explanation(method: String, path: String) -> Explanation {
    let routes = contents.routes.map { RouteAnalysis.Route(methods: $0.methods, pattern: $0.pattern) }
    let explanation = RouteExplanation(routes, method: RouteMethod(name: method) ?? .other, path: path)
    var lines = explanation.lines
    if let route = explanation.route {
      lines.append("function: \(contents.modules[contents.routes[route].module].name)")
    }
    let json = JSONText.object([
      ("route", explanation.route.map { object($0) } ?? .null), ("allowed", explanation.allowed.json),
      ("steps", .strings(explanation.lines)),
    ])
    return Explanation(text: lines.joined(separator: "\n") + "\n", json: json)
  }
}

extension RouteMethods {
  /// A list of names, `["ANY"]` for all.
  var json: JSONText { .strings(text.split(separator: "|").map(String.init)) }
}
