// `spacer test`: a project whose tests pass, and what is said of those that do not.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct TestCommandTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// A copy of the fixture, so that no cache is left in it.
  private func tested() throws -> String {
    let target = workspace.path + "/tested"
    try FileManager.default.copyItem(atPath: Tool.fixture("tested"), toPath: target)
    return target
  }

  private func project(_ tests: [String: String]) throws -> String {
    var files = [
      "app/gateway.lua": "return { {\"GET\", \"/hello\", \"hello\"} }\n",
      "app/hello.lua":
        "return function(args)\n  if args.no then\n    return nil, \"no\"\n  end\n  return 1\nend\n",
    ]
    for (name, text) in tests { files["test/" + name] = text }
    return try workspace.project(files)
  }

  /// Times and the clock, which differ from run to run, as `T`.
  private func normal(_ text: String) -> String {
    text.replacing(#/\d+(\.\d+)? m?s\b/#, with: "T").replacing(#/# Started on .*/#, with: "# Started on T")
      .replacing(#/\d+\.\d+ seconds/#, with: "T seconds").replacing(#/time="[\d.]+"/#, with: "time=\"T\"")
  }

  // MARK: All is well

  @Test func everythingATestCanDo() throws {
    let outcome = try Tool.run(["test", try tested()])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(
      normal(outcome.output) == """
        ok test/test_hello.lua (1 test) T
        ok test/test_luaunit.lua (17 tests) T
        ok test/test_orders.lua (5 tests) T
        ok test/test_platform.lua (8 tests) T
        ok test/test_users.lua (6 tests) T

        37 passed in 5 files, T

        """)
  }

  @Test func theOriginalsOutput() throws {
    let outcome = try Tool.run(["test", try tested(), "--tap", "--filter", "test_hello.lua"])
    #expect(outcome.status == 0)
    #expect(
      normal(outcome.output) == """
        1..1
        # Started on T
        # Starting class: testT
        ok     1\ttestT.test_ret
        # Ran 1 tests in T seconds, 1 success, 0 failures

        """)
  }

  @Test func theLastAnswerAndTheNameThatWasMeant() throws {
    let project = try project([
      "test_a.lua": """
      local lu, spacer = require "luaunit", require "spacer"
      function test_status() lu.assertEquals(spacer.request("GET", "/hello?no=1").status, 200) end
      function test_no_request() lu.assertEquals(1, 2) end
      function test_name() lu.assertEqualss(1, 1) end
      function test_prefix() lu.asertTrue(true) end
      TestDown = { tearDown = function() spacer.request("GET", "/hello?clean=1") end }
      function TestDown:test_status() lu.assertEquals(spacer.request("GET", "/hello?no=2").status, 200) end
      function test_topic() spacer.appended("orders") end
      """
    ])
    let outcome = try Tool.run(["test", project])
    #expect(outcome.status == 1)
    let answer = #"| GET /hello?no=1 answered 400: {"error":"no"}"#
    #expect(outcome.output.components(separatedBy: answer).count == 2, "\(outcome.output)")
    #expect(outcome.output.components(separatedBy: " answered ").count == 3, "\(outcome.output)")
    #expect(outcome.output.contains("GET /hello?no=2 answered 400"), "\(outcome.output)")
    #expect(outcome.output.contains("'asertTrue'): did you mean 'assertTrue'?"), "\(outcome.output)")
    #expect(outcome.output.contains("'assertEqualss'): did you mean 'assertEquals'?"), "\(outcome.output)")
    #expect(outcome.output.contains("spacer.appended: there is no topic 'orders'"), "\(outcome.output)")
  }

  // MARK: A LuaUnit of the user's

  /// The same tests as with our own, with Debian's; the ones left out are of our own's texts.
  @Test func anInstalledLuaUnit() throws {
    let project = try tested()
    try FileManager.default.removeItem(atPath: project + "/test/test_luaunit.lua")
    let outcome = try Tool.run(["test", project, "--luaunit", "installed"])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("20 passed in 4 files"), "\(outcome.output)")
  }

  @Test func theInstalledLuaUnitsFailures() throws {
    let project = try project([
      "test_a.lua": """
      local lu = require "luaunit"
      function test_equal() lu.assertEquals({ a = 1 }, { a = 2 }) end
      function test_extra() lu.assertTrue(false, "a text of my own") end
      function test_skip() lu.skip("not today") end
      function test_success() lu.success() end
      function test_error() error("broken") end
      function test_private() lu.assertEquals(type(lu.private), "table") end
      os.exit(lu.LuaUnit.run())
      """
    ])
    let outcome = try Tool.run(["test", project, "--luaunit", "/usr/share/lua/5.4/luaunit.lua", "--json"])
    #expect(outcome.status == 1, "\(outcome.errors)")
    var seen: [String: String] = [:]
    for test in JSONValue(outcome.output)?["files"]?.items?.first?["tests"]?.items ?? [] {
      let reason = test["failure"]?["message"]?.string ?? test["reason"]?.string ?? ""
      seen[test["name"]?.string ?? ""] = "\(test["outcome"]?.string ?? "") \(reason)"
    }
    #expect(seen["test_equal"]?.hasPrefix("failed expected: {a=2}") == true, "\(outcome.output)")
    #expect(seen["test_extra"]?.contains("a text of my own\nexpected: true") == true, "\(seen)")
    #expect(seen["test_skip"] == "skipped not today", "\(seen)")
    #expect(seen["test_success"]?.hasPrefix("passed") == true, "\(seen)")
    #expect(seen["test_error"]?.contains("broken") == true, "\(seen)")
    #expect(seen["test_private"]?.hasPrefix("passed") == true, "\(seen)")
  }

  @Test func aFileThatIsNoLuaUnit() throws {
    let project = try project([
      "test_a.lua": "local lu = require \"luaunit\"\nfunction test_a() lu.assertTrue(true) end\n"
    ])
    for (name, text, why) in [
      ("syntax.lua", "return {", "unexpected symbol near <eof>"),
      ("other.lua", "return { a = 1 }", "it is no LuaUnit"),
      ("raises.lua", "error 'no'", "no"), ("binary.lua", "\u{1b}Lua", "cannot load"),
    ] {
      try workspace.write(text, to: name)
      let outcome = try Tool.run(["test", project, "--luaunit", "\(workspace.path)/\(name)"])
      #expect(outcome.status == 1)
      #expect(
        outcome.output.contains("cannot load \(workspace.path)/\(name), which --luaunit names: "),
        "\(name): \(outcome.output)")
      #expect(outcome.output.contains(why), "\(name): \(outcome.output)")
    }
    let endless = try Tool.run(["test", project, "--luaunit", "/dev/zero"])
    #expect(endless.status == 3 && endless.errors.contains("'/dev/zero' is no LuaUnit"), "\(endless.errors)")
    let missing = try Tool.run(["test", project, "--luaunit", "nowhere.lua"])
    #expect(missing.status == 3)
    #expect(missing.errors.contains("cannot read 'nowhere.lua'"), "\(missing.errors)")
  }

  @Test func aFilterThatNothingFitsFails() throws {
    let outcome = try Tool.run(["test", try tested(), "--filter", "misspelt"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("no test fits --filter 'misspelt'"), "\(outcome.errors)")
  }

  @Test func coverage() throws {
    let project = try project([
      "test_a.lua":
        "local lu = require \"luaunit\"\nfunction test_a() lu.assertEquals(require(\"hello\")({}), 1) end\n"
    ])
    let tracefile = workspace.path + "/coverage/lcov.info"
    let outcome = try Tool.run(["test", project, "--coverage", "--lcov", tracefile])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("app/hello.lua  4      75.0 %   3\n"), "\(outcome.output)")
    let lcov = try String(contentsOfFile: tracefile, encoding: .utf8)
    #expect(
      lcov == """
        TN:
        SF:\(project)/app/hello.lua
        DA:2,1
        DA:3,0
        DA:5,1
        DA:6,1
        LF:4
        LH:3
        end_of_record

        """)
  }

  // MARK: Failures

  @Test func bothValuesADifferenceAndTheLine() throws {
    let project = try project([
      "test_a.lua": """
      local lu = require "luaunit"
      TestA = {}
      function TestA:test_tables()
        print("before")
        lu.assertEquals({ id = 7, name = "Ada" }, { id = 7, name = "Grace" })
      end
      function TestA:test_text() lu.assertEquals("a", "b") end
      function TestA:test_skip() lu.skip("later") end
      os.exit(lu.LuaUnit.run())
      """
    ])
    let outcome = try Tool.run(["test", project])
    #expect(outcome.status == 1)
    #expect(
      normal(outcome.output) == """
        FAILED test/test_a.lua (3 tests) T
          skipped TestA.test_skip: later
          failed TestA.test_tables T
            test/test_a.lua:5: the values differ
            - expected
            + actual
              {
                  id=7,
            -     name="Grace"
            +     name="Ada"
              }
            5 |   lu.assertEquals({ id = 7, name = "Ada" }, { id = 7, name = "Grace" })
              |   ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
            | before
          failed TestA.test_text T
            test/test_a.lua:7: expected: "b"
            actual: "a"
            7 | function TestA:test_text() lu.assertEquals("a", "b") end
              | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~

        0 passed, 2 failed, 1 skipped in 1 file, T

        """)
    let tap = try Tool.run(["test", project, "--tap"])
    #expect(
      normal(tap.output) == """
        1..3
        # Started on T
        # Starting class: TestA
        ok     1\t# SKIP TestA.test_skip: later
        not ok 2\tTestA.test_tables
        #   test/test_a.lua:5: expected: {id=7, name="Grace"}
        #   actual: {id=7, name="Ada"}
        not ok 3\tTestA.test_text
        #   test/test_a.lua:7: expected: "b"
        #   actual: "a"
        # Ran 2 tests in T seconds, 0 successes, 2 failures, 1 skipped

        """)
  }

  @Test func aFileThatFailsFailsAlone() throws {
    let project = try project([
      "test_a.lua": "local x\nlocal y = x.field\nprint(y)\n",
      "test_b.lua": "local lu = require \"luaunit\"\nfunction test_b() lu.assertTrue(true) end\n",
      "test_c.lua": "os.exit(3)\n",
      "test_d.lua": """
      local lu = require "luaunit"
      local function deeper() error("within") end
      TestD = {}
      function TestD:test_endless() while true do end end
      function TestD:test_sleeps() sleep(100) end
      function TestD:test_error() deeper() end
      function TestD:test_memory() local t = {} while true do t[#t + 1] = ("x"):rep(9999) .. #t end end
      function TestD:test_coroutine() coroutine.wrap(function () lu.fail("there") end)() end
      function TestD:test_goes_on() lu.assertTrue(true) end
      """,
      "test_e.lua": "while true do sleep(0.01) end\n",
    ])
    let outcome = try Tool.run(["test", project, "--timeout", "0.3", "--json"])
    #expect(outcome.status == 1)
    let files = try #require(JSONValue(outcome.output)?["files"]?.items, "\(outcome.output)")
    func failure(_ value: JSONValue?) -> String {
      let line = value?["failure"]?["line"].map { "\($0)" } ?? "no line"
      return "\(value?["failure"]?["message"]?.string ?? "none") at \(line)"
    }
    #expect(failure(files[0]).contains("attempt to index a nil value (local 'x') at"), "\(outcome.output)")
    #expect(files[1]["tests"]?.items?.first?["outcome"]?.string == "passed")
    #expect(failure(files[2]).contains("os.exit(3)"))
    #expect(failure(files[4]).contains("300 ms (--timeout)"), "\(outcome.output)")
    let tests = try #require(files[3]["tests"]?.items)
    let found = tests.map { "\($0["name"]?.string ?? "") \($0["outcome"]?.string ?? "")" }
    #expect(
      found == [
        "test_coroutine failed", "test_endless error", "test_error error", "test_goes_on passed",
        "test_memory error", "test_sleeps error",
      ])
    let lines = tests.map { $0["failure"]?["callers"]?.items?.compactMap(\.string) ?? [] }
    #expect(lines[0].first == "test/test_d.lua:8")
    #expect(lines[1] == ["test/test_d.lua:4"])
    #expect(lines[2] == ["test/test_d.lua:2", "test/test_d.lua:6"])
    #expect(failure(tests[1]).contains("processor time (--timeout)"))
    #expect(failure(tests[5]).contains("300 ms (--timeout)"))
    #expect(failure(tests[4]).contains("limits.callMemoryBytes"))
  }

  @Test func preparationAndItsFailures() throws {
    let project = try project([
      "test_a.lua": """
      local lu = require "luaunit"
      local spacer = require "spacer"
      local http = require "http"
      local function body() return http.get("https://x.example/").body end
      spacer.http.on("GET", "https://x.example/", "file")
      TestA = {}
      function TestA.setupClass() spacer.http.on("*", "https://x.example/*", "class") end
      function TestA.teardownClass() error("class down") end
      function TestA:test_1() lu.assertEquals(body(), "class") spacer.http.on("*", "*", "test") body() end
      function TestA:test_2() lu.assertEquals(body(), "class") lu.assertEquals(#spacer.http.requests, 1) end
      TestB = {}
      function TestB:setUp() error("no way") end
      function TestB:tearDown() lu.fail("not told: it was set up in part") end
      function TestB:test_1() error("not reached") end
      TestC = {}
      function TestC:tearDown() lu.fail("torn") end
      function TestC:test_1() lu.assertEquals(body(), "file") end
      """
    ])
    let outcome = try Tool.run(["test", project, "--tap"])
    #expect(outcome.status == 1)
    #expect(
      normal(outcome.output) == """
        1..5
        # Started on T
        # Starting class: TestA
        ok     1\tTestA.test_1
        ok     2\tTestA.test_2
        not ok 3\tTestA.teardownClass
        #   test/test_a.lua:8: class down
        # Starting class: TestB
        not ok 4\tTestB.test_1
        #   test/test_a.lua:12: no way
        # Starting class: TestC
        not ok 5\tTestC.test_1
        #   test/test_a.lua:16: torn
        # Ran 5 tests in T seconds, 2 successes, 1 failure, 2 errors

        """)
  }

  @Test func junit() throws {
    let project = try project([
      "test_a.lua": """
      local lu = require "luaunit"
      TestA = {}
      function TestA:test_1() lu.assertEquals("<&\\">", 1) end
      function TestA:test_2() lu.assertTrue(true) end
      """
    ])
    let outcome = try Tool.run(["test", project, "--junit"])
    #expect(outcome.status == 1)
    #expect(
      normal(outcome.output).contains(
        """
          <testsuite name="test/test_a.lua" tests="2" failures="1" errors="0" skipped="0" time="T">
            <testcase classname="TestA" name="test_1" file="test/test_a.lua" time="T">
              <failure message="expected: 1&#10;actual: '&lt;&amp;&quot;&gt;'">
        """.dropLast(2)), "\(outcome.output)")
    // Well-formed: python's parser takes it.
    let file = workspace.path + "/report.xml"
    try outcome.output.write(toFile: file, atomically: true, encoding: .utf8)
    let parser = try ChildProcess(
      ["/usr/bin/python3", "-c", "import sys, xml.etree.ElementTree as t; t.parse(sys.argv[1])", file],
      environment: Tool.environment)
    #expect(try parser.waitForExit() == 0, "\(parser.standardError)")
  }

  @Test func whatLooksLikeATestAndIsNone() throws {
    let outcome = try Tool.run([
      "test",
      try project([
        "test_local.lua": "local TestA = {}\nfunction TestA:test_a() error() end\nreturn TestA\n",
        "users_test.lua": "function test_a() error() end\n", "test_b.lua": "function test_b() end\n",
      ]),
    ])
    #expect(outcome.status == 0, "\(outcome.output)")
    #expect(outcome.errors.contains("warning: test/test_local.lua has no test: tests are global functions"))
    #expect(
      outcome.errors.contains("warning: test/users_test.lua is not run: tests are in files named test_*.lua"))
    #expect(!outcome.errors.contains("test_b.lua"), "\(outcome.errors)")
  }

  @Test func mistakesOfTheProjectAndOfTheCommandLine() throws {
    let broken = try project(["test_a.lua": "local lu = require \"luaunit\"\nfunction test_a( return end\n"])
    let syntax = try Tool.run(["test", broken])
    #expect(syntax.status == 1)
    #expect(syntax.errors.contains("test/test_a.lua:2:18: error:"), "\(syntax.errors)")
    #expect(syntax.errors.contains("function test_a( return end\n"))

    let misspelt = try project([
      "test_b.lua": "local spacer = require \"spacer\"\nspacer.reqest(\"GET\", \"/\")\n"
    ])
    let member = try Tool.run(["test", misspelt])
    #expect(
      member.errors.contains("test/test_b.lua:2:8: warning: 'spacer' has no field 'reqest'"),
      "\(member.errors)")
    #expect(member.errors.contains("did you mean 'request'?"))

    let plain = try Tool.run(["test", Tool.fixture("example")])
    #expect(plain.status == 0)
    #expect(plain.errors.contains("no tests: there is no test/test_*.lua in"))

    let file = try Tool.run(["test", "test/test_a.lua"])
    #expect(file.status == 3)
    #expect(
      file.errors.contains("'spacer test --filter test_a.lua' in the project's folder"), "\(file.errors)")

    // What only tests have is not there for the application.
    let app = try workspace.project(
      [
        "app/gateway.lua": "return {}",
        "app/a.lua": "local lu = require \"luaunit\"\nreturn function() return lu end\n",
      ],
      named: "app")
    let check = try Tool.run(["test", app])
    #expect(check.status == 1 && check.errors.contains("no module 'luaunit'"), "\(check.errors)")

    for arguments in [["--tap", "--json"], ["--watch", "--tap"], ["--timeout", "0"], ["--jobs", "0"]] {
      #expect(try Tool.run(["test", broken] + arguments).status == 2, "\(arguments)")
    }
  }

  // MARK: Watching

  @Test func watchRunsWhatAChangeConcerns() throws {
    let project = try project([
      "test_a.lua": "function test_a() assert(require(\"hello\")({}) == 1) end\n",
      "test_b.lua": "function test_b() end\n",
    ])
    let child = try ChildProcess(
      [Tool.spacer, "test", project, "--watch"], environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    func waitForRuns(_ count: Int) throws {
      _ = try child.waitForError("run \(count)") {
        $0.components(separatedBy: "watching for changes").count > count ? true : nil
      }
    }
    func runs(of file: String) -> Int { child.standardOutput.components(separatedBy: file).count - 1 }
    try waitForRuns(1)
    try waitUntil("the reports are written") {
      runs(of: "ok test/test_a.lua") == 1 && runs(of: "ok test/test_b.lua") == 1
    }

    try workspace.write("function test_b() error(\"changed\") end\n", to: "project/test/test_b.lua")
    try waitForRuns(2)
    try waitUntil("the reports are written") {
      runs(of: "FAILED test/test_b.lua") == 1 && runs(of: "test/test_a.lua (") == 1
    }

    try workspace.write("return function() return 2 end\n", to: "project/app/hello.lua")
    try waitForRuns(3)
    try waitUntil("the reports are written") {
      runs(of: "FAILED test/test_a.lua") == 1 && runs(of: "FAILED test/test_b.lua") == 2
    }
    child.signal(SIGINT)
    #expect(try child.waitForExit() == 0)
  }
}
