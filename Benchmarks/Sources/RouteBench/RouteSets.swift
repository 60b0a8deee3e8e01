// The route sets that are measured, and a request for each route.

import Glibc
import SpacerArtifact

/// A method and pattern, and the path of a request for it.
struct Lookup {
  var method: RouteMethod
  var pattern: String
  var path: String

  /// An example path: each parameter gets a value of plausible length.
  init(_ method: RouteMethod, _ pattern: String) {
    self.method = method
    self.pattern = pattern
    path = pattern.split(separator: "/").map { segment in
      guard segment.first == ":" else { return "/" + segment }
      return "/" + (Self.values[String(segment.dropFirst())] ?? "\(segment.dropFirst())-1")
    }.joined()
    if path.isEmpty { path = "/" }
  }

  init(_ method: RouteMethod, _ pattern: String, path: String) {
    self.method = method
    self.pattern = pattern
    self.path = path
  }

  private static let values = [
    "owner": "swiftlang", "repo": "swift-package", "repository": "swift-nio", "user": "octocat",
    "org": "github",
    "id": "1234567", "number": "4711", "sha": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
    "name": "enhancement", "branch": "main", "keyword": "router", "state": "open", "ref": "heads",
    "email": "someone@example.org",
    "client_id": "a1b2c3d4", "access_token": "e72e16c7e42f292c6912e7710c838347", "assignee": "hubot",
    "target_user": "defunkt",
  ]
}

/// The routes of the GitHub API from a file of `METHOD<tab>PATTERN` lines, or a set of the same shape.
func gitHubRoutes(file: String) -> (name: String, lookups: [Lookup]) {
  guard let text = readFile(file), !text.isEmpty else { return ("generated, 203 routes", generatedRoutes()) }
  let lookups = text.split(separator: "\n").compactMap { line -> Lookup? in
    let parts = line.split(separator: "\t")
    guard parts.count == 2, let method = RouteMethod(name: String(parts[0])) else { return nil }
    return Lookup(method, String(parts[1]))
  }
  return ("GitHub, \(lookups.count) routes", lookups)
}

/// As many routes as GitHub's, with its mix: a deep subtree under two parameters, collections with items,
/// and flat lists.
private func generatedRoutes() -> [Lookup] {
  let nouns = [
    "issues", "pulls", "comments", "commits", "branches", "releases", "labels", "milestones", "hooks", "keys",
    "forks", "tags", "teams", "events", "downloads", "stargazers", "collaborators", "contributors",
    "subscription", "statuses",
  ]
  var result: [Lookup] = []
  for noun in nouns {
    result += [
      Lookup(.get, "/repos/:owner/:repo/\(noun)"), Lookup(.post, "/repos/:owner/:repo/\(noun)"),
      Lookup(.get, "/repos/:owner/:repo/\(noun)/:id"), Lookup(.delete, "/repos/:owner/:repo/\(noun)/:id"),
      Lookup(.get, "/users/:user/\(noun)"), Lookup(.get, "/orgs/:org/\(noun)"),
      Lookup(.get, "/user/\(noun)"), Lookup(.put, "/user/\(noun)/:id"), Lookup(.get, "/search/\(noun)"),
      Lookup(.get, "/\(noun)"),
    ]
  }
  return result + [Lookup(.get, "/users"), Lookup(.get, "/users/:user"), Lookup(.get, "/orgs/:org")]
}

private func readFile(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = fread(&buffer, 1, buffer.count, file)
    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes += buffer[..<count]
  }
}
