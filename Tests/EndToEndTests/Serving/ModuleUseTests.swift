// How mistakes in using the built-in modules are told: with the user's place and the way out.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct ModuleUseTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func serve(_ functions: [String: String], environment: [String: String] = [:]) throws
    -> RunningServer
  {
    var files = ["config/application.yml": "spacerVersion: 1\nappName: test\nenvVar: [SET, UNSET_ONE]\n"]
    for (name, text) in functions { files[name.contains("/") ? name : "app/\(name).lua"] = text + "\n" }
    let routes = functions.keys.filter { !$0.contains("/") }.sorted().map { #"{"ANY", "/\#($0)", "\#($0)"}"# }
    files["app/gateway.lua"] = "return { \(routes.joined(separator: ", ")) }\n"
    return try RunningServer.serving(
      files, in: workspace, arguments: ["--workers", "1", "--env", "development"], environment: environment)
  }

  @Test func aColonInPlaceOfADot() throws {
    let server = try serve([
      "colon": "local kv = require 'kv' return function() return kv:get('a') end",
      "logged": "local log = require 'log' return function() log:info('told anyway', { a = 1 }) end",
    ])
    let text = try server.get("/colon").text
    #expect(text.contains("write kv.get(…), with a dot"), "\(text)")
    #expect(try server.get("/logged").status == 200)
    _ = try server.process.waitForOutput("the line") { $0.contains("told anyway a=1") ? true : nil }
  }

  @Test func aWaitInAModulesTopLevelIsToldAtItsPlace() throws {
    let server = try serve([
      "early": "return function() return select(2, pcall(require, 'early_library')) end",
      "lib/early_library.lua": "\nrequire('db').transaction(function() end)",
    ])
    let text = try server.get("/early").text
    #expect(
      text.contains("lib/early_library.lua:2: db.transaction cannot wait while a module loads"), "\(text)")
  }

  @Test func aMisspeltFieldOfTheThirdResult() throws {
    let server = try serve(["shaped": "return function() return nil, 'no', { stauts = 404 } end"])
    let answer = try server.get("/shaped")
    #expect(answer.status == 500)
    #expect(answer.text.contains("no field 'stauts', only status, headers and raw"), "\(answer.text)")
  }

  @Test func aClientThatDidNotWaitLeavesAnAccessLine() throws {
    let server = try serve(["sleepy": "return function() sleep(100) end", "v": "return function() end"])
    var connection: HTTPConnection? = try HTTPConnection(port: server.port)
    try connection?.send("GET /sleepy HTTP/1.1\r\nHost: t\r\n\r\n")
    // A second answer shows that the first request has begun.
    #expect(try server.get("/v").status == 200)
    connection = nil
    _ = try server.process.waitForOutput("499") { $0.contains(" 499 GET /sleepy sleepy") ? true : nil }
    _ = connection
  }

  @Test func variablesThatAreNotSetAreToldAtTheStart() throws {
    let server = try serve(["v": "return function() end"], environment: ["SET": "1"])
    _ = try server.process.waitForOutput("the line") {
      $0.contains("not set: UNSET_ONE (envVar") ? true : nil
    }
  }
}
