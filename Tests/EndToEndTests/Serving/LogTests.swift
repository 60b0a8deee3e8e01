// `require "log"`: lines with levels and fields.

import SpacerTestSupport
import Testing

@Suite struct LogTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// The lines that hold `mark`, after a call of a function with this body.
  private func lines(
    _ body: String, _ arguments: [String] = [], environment: String = "development"
  ) throws -> [String] {
    let server = try RunningServer.serving(
      [
        "app/gateway.lua": "return { {\"GET\", \"/run\", \"run\"} }\n",
        "app/run.lua": "local log = require \"log\"\nreturn function()\n\(body)\nend\n",
      ], in: workspace, arguments: ["--env", environment, "--workers", "1"] + arguments)
    let answer = try server.get("/run")
    #expect(answer.status == 200, "\(answer.text)")
    #expect(try server.stop() == 0)
    return server.process.standardOutput.split(separator: "\n").map(String.init)
      .filter { !$0.contains(" GET /run ") && !$0.contains("\"event\":\"request\"") }
  }

  /// Without the time.
  private func texts(_ lines: [String]) -> [String] {
    lines.map { $0.hasPrefix("2") ? String($0.drop { $0 != " " }.dropFirst()) : $0 }
  }

  @Test func textForPeople() throws {
    let found = texts(
      try lines(
        #"""
        log.info("order taken", { order = 17, total = 9.5, customer = "Ann Lee", paid = true, ["a key"] = "x" })
        log.warn("slow", { list = { 1, "two" }, nested = { b = { c = 1 } } })
        log.error("failed")
        log.debug("not shown", { costly = function() end })
        """#))
    #expect(
      found == [
        #"order taken "a key"=x customer="Ann Lee" order=17 paid=true total=9.5"#,
        #"warn: slow list=[1,"two"] nested={"b":{"c":1}}"#,
        "error: failed",
      ])
  }

  @Test func jsonForMachines() throws {
    let found = try lines(
      #"""
      log.info("order \"17\"\n", { order = 17, level = "mine", trace = 1, time = 2, message = 3 })
      log.debug("fine")
      """#, ["--log-level", "debug"], environment: "production")
    #expect(found.count == 2)
    let line = try #require(found.first.flatMap { JSONValue($0) })
    #expect(line["message"] == .string("order \"17\"\n"))
    #expect(line["level"] == .string("info"))
    #expect(line["order"] == .number(17))
    #expect(line["level_"] == .string("mine"))
    #expect(line["time_"] == .number(2))
    #expect(line["message_"] == .number(3))
    #expect(line["trace_"] == .number(1))
    #expect(line["trace"]?.string?.utf8.count == 32)
    #expect(line["span"]?.string?.utf8.count == 16)
    #expect(found.last.flatMap { JSONValue($0) }?["level"] == .string("debug"))
  }

  @Test func nothingFailsACall() throws {
    let body = #"""
      local t = { f = print, co = coroutine.create(print), nan = 0/0, inf = -1/0, bad = "\xff", [true] = 1 }
      t.self = t
      log.info("all", t)
      log.info(nil)
      log.info({ a = 1 }, "alone")
      log.info(1.5, 2, 3)
      log.info("guarded", setmetatable({ a = 1 }, { __index = error, __pairs = error, __tostring = error }))
      """#
    #expect(
      texts(try lines(body)) == [
        "all bad=\"\u{FFFD}\" co=\"<coroutine>\" f=\"<function>\" inf=\"<-infinity>\" nan=\"<NaN>\" "
          + "self=\"<cycle>\" \"…\"=true",
        "nil", "a=1 value=alone", "1.5 value=2", "guarded a=1",
      ])
    for line in try lines(body, environment: "production") {
      #expect(JSONValue(line) != nil, "\(line)")
    }
  }

  @Test func noLineIsForged() throws {
    let body = #"""
      log.info("a\n2026-01-01T00:00:00Z error: forged\r\27[2J\xc2\x9b2J", { k = "x\nforged\27[2J\xc2\x9b\x7f" })
      log.info("b", { ["k\n2026"] = 1 })
      """#
    let text = try lines(body)
    #expect(text.count == 3)
    #expect(text.dropFirst().first?.hasPrefix("    2026") == true)
    #expect(
      text.allSatisfy { line in
        line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
      })
    #expect(text.first { $0.contains("k=") }?.hasSuffix(#"k="x\nforged\u001b[2J\u009b\u007f""#) == true)
    let json = try lines(body, environment: "production")
    #expect(json.count == 2)
    #expect(json.first.flatMap { JSONValue($0) }?["k"] == .string("x\nforged\u{1B}[2J\u{9B}\u{7F}"))
  }

  @Test func everythingIsBounded() throws {
    let body = #"""
      local wide, deep, long = {}, {}, {}
      for i = 1, 100000 do wide["k" .. i] = i long[i] = i end
      for i = 1, 100 do deep = { d = deep } end
      local shared = {}
      for i = 1, 30 do shared = { a = shared, b = shared, c = ("x"):rep(1000) } end
      log.info(("m"):rep(1000000), { text = ("t"):rep(100000), wide = wide, deep = deep, long = long })
      log.info("shared", shared)
      """#
    for environment in ["development", "production"] {
      let found = try lines(body, environment: environment)
      #expect(found.count == 2)
      for line in found {
        #expect(line.utf8.count < 64 << 10)
        if environment == "production" { #expect(JSONValue(line) != nil) }
      }
      #expect(found.first?.contains("… (1000000 bytes)") == true)
      #expect(found.first?.contains("… (100000 bytes)") == true)
      #expect(found.first?.contains("… (100000 items)") == true)
    }
  }

  @Test func childLoggers() throws {
    let found = texts(
      try lines(
        """
        local child = log.with { user = "u1", step = 1 }
        child.info("one")
        child.warn("two", { step = 2 })
        child.with { more = true }.error("three", "alone")
        child.debug("four")
        log.info(child.level() .. log.level())
        assert(not pcall(log.with, 3))
        """))
    #expect(
      found == [
        "one step=1 user=u1", "warn: two user=u1 step=2", "error: three more=true step=1 user=u1 value=alone",
        "infoinfo",
      ])
  }
}
