// What `spacer init` can make. A template is the text of its files as they come into the project; the files
// for deployment and for editors are the same for all of them, apart from the application's name.

import ArgumentParser

/// A kind of new project.
enum ProjectTemplate: String, CaseIterable, ExpressibleByArgument {
  case hello, api, events

  /// One line for `--help`.
  var summary: String {
    switch self {
    case .hello: "one function"
    case .api: "notes over HTTP, kept in SQLite"
    case .events: "orders as events, and a report that a trigger makes from them"
    }
  }

  /// All of them for `--help`, a line each.
  static var list: String {
    allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n")
  }

  /// The files that only this template has.
  func ownFiles(_ name: ProjectName) -> [ProjectFile] {
    switch self {
    case .hello: HelloTemplate.files(name)
    case .api: APITemplate.files(name)
    case .events: EventsTemplate.files(name)
    }
  }

  /// A path that is answered with 200 as long as the application works.
  var healthPath: String { self == .hello ? "/hello" : "/health" }

  /// Whether the functions use SQLite, and so need its library where they run.
  var needsSQLite: Bool { self != .hello }

  /// What to try when it serves.
  var firstCommands: [String] {
    switch self {
    case .hello: ["curl localhost:3000/hello"]
    case .api:
      [
        "curl -X POST localhost:3000/private/migrate",
        #"curl localhost:3000/notes -d '{"title": "Milk"}'"#, "curl localhost:3000/notes",
      ]
    case .events:
      [
        "curl -X POST localhost:3000/private/migrate",
        #"curl localhost:3000/orders -d '{"customer": "ada", "total": 30}'"#, "curl localhost:3000/totals",
      ]
    }
  }
}

/// A file of a new project.
struct ProjectFile {
  /// Relative to the project's folder.
  var path: String
  var text: String
}
