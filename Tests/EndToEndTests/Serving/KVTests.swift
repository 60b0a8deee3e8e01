// `require "kv"`: one store for all workers, which outlives reloads.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct KVTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private static let functions = [
    "app/gateway.lua": """
    return { {"ANY", "/run", "run"}, {"ANY", "/incr", "incr"}, {"ANY", "/get", "get"} }

    """,
    "app/incr.lua": """
    local kv = require "kv"
    return function() for _ = 1, 10 do kv.incr("hits") end return kv.get("hits") end

    """,
    "app/get.lua":
      "local kv = require \"kv\"\nreturn function(args) return { value = kv.get(args.key) } end\n",
  ]

  private func run(_ body: String, limits: String = "") throws -> HTTPResponse {
    let server = try RunningServer.serving(
      Self.functions.merging([
        "config/application.yml": "spacerVersion: 1\nappName: test\n\(limits)",
        "app/run.lua":
          "local kv = require \"kv\"\nlocal cjson = require \"cjson\"\nreturn function(args)\n\(body)\nend\n",
      ]) { $1 }, in: workspace)
    return try server.get("/run")
  }

  @Test func valuesKeepTheirTypes() throws {
    let answer = try run(
      #"""
      kv.set("i", 3) kv.set("f", 3.0) kv.set("s", "a\0\xff") kv.set("b", false)
      local t = { list = { 1, 2 }, empty = cjson.empty_array, null = cjson.null }
      kv.set("t", t)
      t.list[1] = 99
      local copy = kv.get("t")
      return {
        math.type(kv.get("i")), math.type(kv.get("f")), kv.get("s") == "a\0\xff", kv.get("b"), copy,
        copy ~= kv.get("t"), tostring(kv.get("none")),
      }
      """#)
    #expect(
      answer.json?["data"]
        == JSONValue(
          #"["integer","float",true,false,{"list":[1,2],"empty":[],"null":null},true,"nil"]"#))
  }

  @Test func writesWithConditions() throws {
    let answer = try run(
      """
      return {
        kv.add("a", 1), kv.add("a", 2), kv.replace("b", 1), kv.replace("a", 3), kv.get("a"),
        kv.cas("a", 4, 5), kv.cas("a", 3.0, 5), kv.cas("new", nil, "x"), kv.cas("new", "x", nil),
        kv.incr("a"), kv.incr("a", -2), kv.incr("n", 0.5, 10), kv.delete("a"), kv.delete("a"), kv.count(),
      }
      """)
    #expect(
      answer.json?["data"]
        == JSONValue("[true,false,false,true,3,false,true,true,true,6,4,10.5,true,false,1]"))
  }

  @Test func timesToLive() throws {
    let answer = try run(
      """
      kv.set("short", 1, 0.001) kv.set("long", 1, 100) kv.set("ever", 1)
      local long = kv.ttl("long")
      local before = kv.get("short")
      sleep(0.01)
      local found = { kv.ttl("ever"), tostring(kv.ttl("short")), long > 99 and long <= 100, kv.count() }
      found[5] = kv.expire("long")
      found[6] = kv.ttl("long")
      found[7] = kv.expire("ever", 50)
      found[8] = kv.ttl("ever") > 49
      found[9] = kv.expire("none", 1)
      return found
      """)
    #expect(answer.json?["data"] == JSONValue(#"[false,"nil",true,2,true,false,true,true,false]"#))
  }

  @Test func keys() throws {
    let answer = try run(
      """
      for i = 1, 5 do kv.set("user/" .. i, i) kv.set("item/" .. i, i) end
      local names = kv.keys("user/")
      table.sort(names)
      local counts = { #kv.keys(), #kv.keys("", 3), kv.keys("none") }
      kv.clear()
      return { names, counts, kv.count() }
      """)
    #expect(
      answer.json?["data"] == JSONValue(#"[["user/1","user/2","user/3","user/4","user/5"],[10,3,[]],0]"#))
  }

  @Test(arguments: [
    ("kv.get()", "kv.get: the key must be a string and is missing"),
    ("kv.get(1)", "kv.get: the key must be a string and is a number"),
    ("kv.get('')", "kv.get: the key must have 1 to 1024 bytes and has 0"),
    ("kv.set(('k'):rep(1025), 1)", "kv.set: the key must have 1 to 1024 bytes and has 1025"),
    ("kv.set('k')", "kv.set: the value is nil: use kv.delete"),
    ("kv.set('k', print)", "not a function"),
    ("kv.set('k', { a = { print } })", "kv.set: the value holds a function at value.a[1]"),
    ("kv.set('k', ('v'):rep(1048577))", "kv.set: the value has 1048577 bytes, more than 1048576"),
    ("kv.set('k', { ('v'):rep(1048577) })", "kv.set: the value has more than 1048576 bytes as JSON"),
    ("local t = {} for i = 1, 30 do t = { t, t } end kv.set('k', t)", "more than 1048576 bytes of text"),
    ("kv.set('k', 1, 0)", "the time to live must be a number of seconds above 0"),
    ("kv.set('k', 1, 0/0)", "the time to live must be a number of seconds above 0"),
    ("kv.set('k', 1, 'x')", "the time to live must be a number of seconds above 0"),
    ("kv.set('k', 'x') kv.incr('k')", "kv.incr: the value under 'k' is not a number"),
    ("kv.incr('k', math.maxinteger) kv.incr('k')", "kv.incr: the sum is more than an integer holds"),
    ("kv.incr('k', 'x')", "kv.incr: the step must be a number, not a string"),
    ("kv.cas('k', {}, 1)", "kv.cas: a table cannot be compared"),
    ("kv.keys(1)", "kv.keys: the prefix must be a string, not a number"),
    ("kv.keys('', 0)", "kv.keys: the number of keys must be an integer from 1 to 10000"),
  ])
  func wrongUse(_ code: String, _ message: String) throws {
    let answer = try run(code)
    #expect(answer.status == 500)
    #expect(answer.json?["error"]?.string?.contains(message) == true, "\(answer.text)")
    #expect(answer.json?["error"]?.string?.hasPrefix("app/run.lua:4: ") == true, "\(answer.text)")
  }

  @Test func theStoreIsBounded() throws {
    let answer = try run(
      """
      kv.set("first", "x")
      local kept = 0
      for i = 1, 64 do kv.set("k" .. i, ("v"):rep(100000)) kv.get("first") end
      for i = 1, 64 do if kv.get("k" .. i) then kept = kept + 1 end end
      return { kv.get("first"), kept, kv.count(), tostring(kv.get("k1")), #kv.get("k64") }
      """, limits: "limits:\n  kvBytes: 1MiB\n")
    #expect(answer.json?["data"] == JSONValue(#"["x",10,11,"nil",100000]"#), "\(answer.text)")
  }

  @Test func allWorkersShareIt() throws {
    let server = try RunningServer.serving(
      Self.functions.merging(["app/run.lua": "return print\n"]) { $1 }, in: workspace,
      arguments: ["--workers", "4"])
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<25 { _ = try? server.get("/incr") }
    }
    #expect(try server.get("/get?key=hits").json?["data"] == JSONValue(#"{"value":2000}"#))
  }

  @Test func itOutlivesAReload() throws {
    let files = Self.functions.merging(["app/run.lua": "return function() return 'old' end\n"]) { $1 }
    let server = try RunningServer.serving(files, in: workspace)
    #expect(try server.get("/incr").json?["data"] == .number(10))
    var newer = files
    newer["app/run.lua"] = "return function() return 'new' end\n"
    newer["config/application.yml"] = "spacerVersion: 1\nappName: test\nlimits:\n  kvBytes: 2MiB\n"
    _ = try workspace.build(try workspace.project(newer))
    server.process.signal(SIGHUP)
    try waitUntil("the new artifact answers") { try server.get("/run").json?["data"] == .string("new") }
    #expect(try server.get("/incr").json?["data"] == .number(20))
  }
}
