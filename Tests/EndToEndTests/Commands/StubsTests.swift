// `spacer stubs`: the definitions for editors hold what the runtime has and what the compiler knows.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct StubsTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func project(_ files: [String: String]) throws -> String {
    try workspace.project(
      files.merging(["app/gateway.lua": #"return { {"GET", "/members", "members"} }"#]) { $1 })
  }

  /// Only tests have them.
  private static let testModules: Set = ["luaunit", "spacer"]

  /// Those of the modules that an application has.
  private func stubs() throws -> [String: Set<String>] {
    try allStubs().filter { !Self.testModules.contains($0.key) }
  }

  /// The members that each definition file gives the table it returns, by module.
  private func allStubs() throws -> [String: Set<String>] {
    let folder = workspace.path + "/stubs"
    #expect(try Tool.run(["stubs", try project([:]), "-o", folder]).status == 0)
    var result: [String: Set<String>] = [:]
    let paths = try FileManager.default.subpathsOfDirectory(atPath: folder)
    for path in paths where path.hasSuffix(".lua") && path != "globals.lua" {
      let text = try String(contentsOfFile: folder + "/" + path, encoding: .utf8)
      let module = String(path.dropLast(4)).replacingOccurrences(of: "/", with: ".")
      #expect(text.hasPrefix("---@meta \(module)\n"))
      result[module] = try members(of: text)
    }
    return result
  }

  private func members(of text: String) throws -> Set<String> {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let last = lines.last(where: { $0.hasPrefix("return ") }) else {
      throw HarnessError("no return:\n\(text)")
    }
    let name = last.dropFirst("return ".count)
    var members: Set<String> = []
    for line in lines {
      for separator in [".", ":"] where line.hasPrefix("function \(name)\(separator)") {
        members.insert(String(line.dropFirst("function \(name).".count).prefix { $0 != "(" }))
      }
    }
    // The fields of its class are those in the comment before it.
    let start = lines.firstIndex { $0.hasPrefix("local \(name) = ") } ?? 0
    for line in lines[..<start].reversed() {
      guard line.hasPrefix("---") else { break }
      guard line.hasPrefix("---@field ") else { continue }
      members.insert(String(line.dropFirst("---@field ".count).prefix { $0 != " " && $0 != "?" }))
    }
    return members
  }

  /// The compiler lists the modules it knows when one is not found.
  @Test func everyModuleHasADefinition() throws {
    let outcome = try Tool.run(
      ["check", try project(["app/members.lua": "require 'none.such' return function() end"])])
    let list = try #require(outcome.errors.firstMatch(of: /the built-in modules are (.*)\n/)).1
    #expect(try list.components(separatedBy: ", ") == stubs().keys.sorted())
  }

  @Test func theyHoldWhatTheRuntimeHas() throws {
    let stubs = try stubs()
    let names = stubs.keys.sorted()
    let lua = """
      local function names(module)
        local result = {}
        for name in pairs(module) do result[#result + 1] = name end
        return result
      end
      return function()
        return { \(names.map { "[\"\($0)\"] = names(require \"\($0)\")" }.joined(separator: ", ")) }
      end

      """
    let server = try RunningServer.serving(try project(["app/members.lua": lua]), in: workspace)
    let answer = try server.get("/members")
    for name in names where name != "request" {
      let registered = Set(answer.json?["data"]?[name]?.items?.compactMap(\.string) ?? [])
      #expect(registered == stubs[name], "\(name)")
    }
  }

  /// The request's fields are asked for one by one: the table has none of its own.
  @Test func theRequestHasTheFieldsTheyName() throws {
    let fields = try #require(try stubs()["request"]).sorted()
    let lua =
      "local request = require 'request' return function() return { "
      + fields.map { "\($0) = request.\($0) ~= nil" }.joined(separator: ", ") + " } end\n"
    let server = try RunningServer.serving(try project(["app/members.lua": lua]), in: workspace)
    let answer = try server.get("/members")
    for field in fields { #expect(answer.json?["data"]?[field] == JSONValue("true"), "\(field)") }
  }

  @Test func theCompilerKnowsThemAll() throws {
    var files: [String: String] = [:]
    var lines: [String] = []
    for (number, stub) in try stubs().sorted(by: { $0.key < $1.key }).enumerated()
    where !stub.value.isEmpty {
      lines.append("local m\(number) = require \"\(stub.key)\"")
      for member in stub.value.sorted() where !member.isEmpty { lines.append("print(m\(number).\(member))") }
    }
    files["app/members.lua"] = "return function()\n" + lines.joined(separator: "\n") + "\nend\n"
    files["config/application.yml"] =
      Workspace.minimalConfiguration + "databases: { default: { driver: sqlite, path: app.db } }\n"
    let outcome = try Tool.run(["check", try project(files)])
    #expect(outcome.status == 0)
    #expect(!outcome.errors.contains("warning"), "\(outcome.errors)")
  }

  /// Other spellings, with underscores, have no definition.
  @Test func theModulesOfTestsHaveTheirs() throws {
    let stubs = try allStubs()
    let project = try project([
      "app/members.lua": "return function() end",
      "test/test_names.lua": """
      function testNames()
        for _, module in ipairs { "luaunit", "spacer" } do
          for name in pairs(require(module)) do
            if name == "ORDER_ACTUAL_EXPECTED" or not name:find("_", 1, true) then print(module .. "." .. name) end
          end
        end
      end
      """,
    ])
    let outcome = try Tool.run(["test", project, "--verbose"])
    #expect(outcome.status == 0, "\(outcome.output)")
    for module in Self.testModules {
      let names = outcome.output.matches(of: try Regex("\\| \(module)\\.(\\w+)")).compactMap {
        $0.output[1].substring.map(String.init)
      }
      let hidden: Set = ["private", "ORDER_ACTUAL_EXPECTED"]
      let defined = try #require(stubs[module]).subtracting(hidden).filter { !$0.contains(".") }
      #expect(Set(names).subtracting(hidden) == defined, "\(module)")
    }
  }

  @Test func aProjectGetsSettingsUnlessItHasSome() throws {
    let project = try project(["app/members.lua": "return function() end"])
    #expect(try Tool.run(["stubs", project]).status == 0)
    let settings = try String(contentsOfFile: project + "/.luarc.json", encoding: .utf8)
    #expect(
      JSONValue(settings)?["workspace.library"]?.items == [try #require(JSONValue("\".spacer/stubs\""))])
    #expect(FileManager.default.fileExists(atPath: project + "/.spacer/stubs/cjson/safe.lua"))
    try workspace.write("{}", to: "project/.luarc.json")
    let second = try Tool.run(["stubs", project])
    #expect(second.status == 0)
    #expect(second.errors.contains("workspace.library"), "\(second.errors)")
    #expect(try String(contentsOfFile: project + "/.luarc.json", encoding: .utf8) == "{}")
  }
}
