// Every example of docs/functions runs and answers what the page says.
//
// An example is a Lua block behind `<!-- example: NAME -->`, a whole function file; a JSON block right behind
// it is the body of the answer to `POST {}`. With `<!-- example: NAME, in a while -->` the answer may take a moment to
// become so. A Lua block behind `<!-- file: PATH -->` is a file of the same application, and a YAML block behind
// `<!-- configuration -->` is part of its application.yml.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct DocumentationTests {
  struct Example: CustomTestStringConvertible, Sendable {
    var name: String
    var lua: String
    var answer: String?
    /// The answer depends on a trigger that runs meanwhile.
    var isEventual = false
    var testDescription: String { name }
  }

  /// What the pages hold.
  struct Pages {
    /// By page and in order.
    var examples: [Example] = []
    /// Texts by path.
    var files: [String: String] = [:]
    /// Parts of application.yml.
    var configuration = ""
  }

  static func pages() throws -> Pages {
    let folder = Tool.checkout + "/docs/functions"
    var pages = Pages()
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".md") }
    for page in names.sorted() {
      let lines = try String(contentsOfFile: folder + "/" + page, encoding: .utf8)
        .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      var index = 0
      while index < lines.count {
        defer { index += 1 }
        guard let mark = lines[index].wholeMatch(of: /<!-- (example|file|configuration)(?:: (.+))? -->/)
        else {
          continue
        }
        let (kind, name) = (mark.1, String(mark.2 ?? ""))
        var next = index + 1
        guard let text = block(kind == "configuration" ? "yaml" : "lua", lines, &next) else {
          throw HarnessError("\(page): no block behind \(lines[index])")
        }
        switch kind {
        case "configuration": pages.configuration += text
        case "file": pages.files[name] = text
        default:
          while next < lines.count, lines[next].isEmpty { next += 1 }
          let plain = name.replacing(", in a while", with: "")
          pages.examples.append(
            Example(
              name: "\(page.dropLast(3))_\(plain)", lua: text, answer: block("json", lines, &next),
              isEventual: plain != name))
        }
      }
    }
    return pages
  }

  /// The fenced block that begins at line `index`, which moves behind it.
  private static func block(_ language: String, _ lines: [String], _ index: inout Int) -> String? {
    guard index < lines.count, lines[index] == "```" + language,
      let end = lines[(index + 1)...].firstIndex(of: "```")
    else { return nil }
    defer { index = end + 1 }
    return lines[(index + 1)..<end].joined(separator: "\n") + "\n"
  }

  @Test func everyExampleAnswersAsWritten() throws {
    let workspace = try Workspace()
    let pages = try Self.pages()
    let examples = pages.examples
    #expect(Set(examples.map(\.name)).count == examples.count, "two examples of one name")
    var files = pages.files
    files["config/application.yml"] = Self.configuration + pages.configuration
    var routes: [String] = []
    for example in examples {
      let function = "example_" + example.name.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
      files["app/\(function).lua"] = example.lua
      routes.append(#"{"POST", "/\#(example.name)", "\#(function)"}"#)
    }
    files["app/gateway.lua"] = "return {\n\(routes.joined(separator: ",\n"))\n}\n"
    for (path, text) in Self.companions { files[path] = text }
    let project = try workspace.project(files)
    let check = try Tool.run(["check", project])
    #expect(!check.errors.contains("warning"), "\(check.errors)")
    let artifact = try workspace.build(project)
    // What the examples of `http` ask.
    let upstream = try Upstream { request in
      let target = request.line.split(separator: " ")
      guard target[1] != "/missing" else {
        return "HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\n\r\n{\"error\":\"not found\"}"
      }
      let type = request.header("Content-Type").map { "\"\($0)\"" } ?? "null"
      let body = request.text.replacing("\"", with: "\\\"")
      let fields = #""method":"\#(target[0])","target":"\#(target[1])","type":\#(type),"body":"\#(body)""#
      return Upstream.ok(
        "{\(fields)}", isHead: target[0] == "HEAD", headers: "Content-Type: application/json\r\n")
    }
    let server = try RunningServer(
      ["run", artifact, "--host", "127.0.0.1", "--workers", "1", "--env", "development"],
      environment: [
        "EXAMPLE_DATABASE": workspace.path + "/example.db", "GREETING": "hello", "ECHO_URL": upstream.url,
      ])
    for example in examples {
      if example.isEventual, let expected = example.answer {
        try waitUntil("\(example.name) answers as the page says") {
          try server.post("/\(example.name)", json: "{}").json == JSONValue(expected)
        }
      }
      let answer = try server.post("/\(example.name)", json: "{}")
      guard let expected = example.answer else {
        #expect(answer.status == 200, "\(example.name): \(answer.text)")
        continue
      }
      #expect(JSONValue(expected) != nil, "\(example.name): the page's answer is no JSON")
      #expect(answer.json == JSONValue(expected), "\(example.name): \(answer.text)")
    }
  }

  /// Those that no example can call here: without PostgreSQL, without an effect.
  private static let withoutExample: Set<String> = ["array", "new"]

  /// The definitions for editors name every function.
  @Test func everyFunctionHasAnExample() throws {
    let workspace = try Workspace()
    let folder = workspace.path + "/stubs"
    #expect(try Tool.run(["stubs", try workspace.project(["app/a.lua": ""]), "-o", folder]).status == 0)
    let examples = try Self.pages().examples.map(\.lua).joined()
    // Tests alone have these; docs/testing.md shows them.
    let ofTests: Set = ["luaunit.lua", "spacer.lua"]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder)
    where path.hasSuffix(".lua") && !ofTests.contains(path) {
      for line in try String(contentsOfFile: folder + "/" + path, encoding: .utf8).split(separator: "\n") {
        guard let match = line.firstMatch(of: /^function (?:[\w]+[.:])?(\w+)\(/) else { continue }
        let name = String(match.1)
        guard !Self.withoutExample.contains(name), !name.hasPrefix("encode_"), !name.hasPrefix("decode_")
        else {
          continue
        }
        // Of the validators with `opt_` before their name the page says how they differ.
        let plain = name.hasPrefix("opt_") ? String(name.dropFirst(4)) : name
        #expect(examples.contains(plain), "\(path): \(name)")
      }
    }
  }

  /// docs/events.md names a test for each line of its promises.
  @Test func theTestsThatShowThePromisesAreThere() throws {
    let page = try String(contentsOfFile: Tool.checkout + "/docs/events.md", encoding: .utf8)
    let parts = page.split(separator: "\n## ").filter { $0.hasPrefix("What is promised") }
    let lines = try #require(parts.first).split(separator: "\n").filter { $0.hasPrefix("| ") }
    let tables = lines.map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
    let shown = tables.filter { $0.count == 2 && $0[0] != "line" }
    let promises = tables.filter { $0.count == 5 && !$0[0].isEmpty && $0[0] != "---" }.map { $0[0] }
    #expect(promises.count > 5)
    for promise in promises { #expect(shown.contains { $0[0] == promise }, "no test for '\(promise)'") }

    let root = Tool.checkout + "/Tests"
    var sources: [String: String] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: root) where path.hasSuffix(".swift") {
      let name = path.split(separator: "/").last.map { String($0.dropLast(6)) } ?? path
      sources[name] = try String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }
    for match in shown.map({ $0[1] }).joined().matches(of: /`(\w+)\.(\w+)`/) {
      let source = sources[String(match.1)]
      #expect(source?.contains("func \(match.2)(") == true, "there is no test \(match.1).\(match.2)")
    }
  }

  private static let configuration = """
    spacerVersion: 1
    appName: examples
    writeProxyListen: ":0"
    logStorage: {development: {driver: memory}}
    envVar: [GREETING, ECHO_URL]
    databases:
      default:
        driver: sqlite
        path: ${EXAMPLE_DATABASE}
      reports:
        driver: sqlite
        path: ${EXAMPLE_DATABASE}.reports

    """

  /// Functions that the pages' examples call.
  private static let companions = [
    "app/users/get.lua": "return function(args) return { id = args.id, name = 'Ada' } end\n",
    "app/orders/list.lua": "return function(args) return { { id = 1, user = args.user } } end\n",
    "app/fails.lua": "return function() return nil, 'no such thing' end\n",
  ]
}
