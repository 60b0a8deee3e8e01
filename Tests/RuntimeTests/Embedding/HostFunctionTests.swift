// Functions of an embedding program: what goes in and comes out, where they run, how they fail. Not those that run as
// tasks, since tests block the threads that tasks need: EndToEndTests has them in a program of their own.

import Glibc
import SpacerArtifact
import SpacerSystem
import Synchronization
import Testing

@testable import SpacerRuntime

@Suite struct HostFunctionTests {
  /// `host.NAME(…)` with the body's `items`, in each of the ways to run a function.
  private func echoes(_ body: @escaping @Sendable (HostArguments) throws -> JSONValue) throws
    -> SpacerApplication
  {
    var application = try EmbeddedServer.application([
      "worker":
        "local h = require 'host' return function(a) return h.inline(table.unpack(a.items, 1, a.n)) end",
      "thread":
        "local h = require 'host' return function(a) return h.blocking(table.unpack(a.items, 1, a.n)) end",
    ])
    application.function("inline", on: .worker, body)
    application.function("blocking", body)
    return application
  }

  private static let ways = ["/worker", "/thread"]

  @Test func valuesPassBothWaysAsTheyAre() throws {
    let server = try echoes { .array($0.values) }.start()
    defer { server.stop() }
    let texts = [
      "[]", "[{}]", "[[]]", "[null,2]", #"["","ü\u0000"]"#, "[1,-9223372036854775808,0.5,1e+300]",
      "[true,false]",
      #"[{"a":{"b":[1,[],{"c":null}]}}]"#, "[[1,2,3],[null,1]]",
    ]
    for way in Self.ways {
      for text in texts {
        let answer = try BlockingClient.post(server.port, way, "{\"items\":\(text)}")
        #expect(answer == "200 {\"data\":\(text)}")
      }
    }
    #expect(
      try BlockingClient.post(server.port, "/thread", #"{"items":[],"n":2}"#) == #"200 {"data":[null,null]}"#)
  }

  @Test func theArgumentsAreAtHand() throws {
    let seen = Mutex<HostArguments?>(nil)
    let server = try echoes { arguments in
      seen.withLock { $0 = arguments }
      return nil
    }.start()
    defer { server.stop() }
    for way in Self.ways {
      #expect(
        try BlockingClient.post(server.port, way, #"{"items":[{"name":"Ada","n":3},7,2.0]}"#) == "200 {}")
      let arguments = try #require(seen.withLock { $0 })
      #expect(arguments.count == 3)
      #expect(arguments["name"] == "Ada" && arguments["name"].stringValue == "Ada")
      #expect(arguments["n"].intValue == 3 && arguments["n"].doubleValue == 3)
      #expect(arguments["none"].isNull && arguments[3].isNull && arguments[1]["x"].isNull)
      #expect(arguments[1] == 7 && arguments[2].intValue == 2)
    }
  }

  private struct Odd: Error { var what = 7 }

  @Test func errorsAreRaisedWhereTheFunctionWasCalled() throws {
    let server = try echoes { arguments in
      switch arguments[0] {
      case "host": throw HostError("no such user")
      case "odd": throw Odd()
      case "long": throw HostError(String(repeating: "x", count: 1 << 20))
      case "nan": return ["a": [.double(.nan)]]
      case "deep": return (0..<2000).reduce(JSONValue.null) { value, _ in [value] }
      default: return .double(.infinity)
      }
    }.start()
    defer { server.stop() }
    for (way, name) in zip(Self.ways, ["inline", "blocking"]) {
      func failure(_ item: String) throws -> String {
        try BlockingClient.post(server.port, way, #"{"items":["\#(item)"]}"#)
      }
      let place = "app\(way).lua:1: host.\(name): "
      #expect(try failure("host") == #"500 {"error":"\#(place)no such user"}"#)
      #expect(try failure("odd") == #"500 {"error":"\#(place)Odd(what: 7)"}"#)
      #expect(try failure("long").utf8.count < 9000)
      #expect(try failure("nan") == #"500 {"error":"\#(place)its result cannot be taken: NaN"}"#)
      #expect(try failure("deep").contains("nesting deeper than 1000 levels"))
      #expect(
        try failure("else") == #"500 {"error":"\#(place)its result cannot be taken: an infinite number"}"#)
    }
  }

  @Test func whatIsNoJSONIsRefused() throws {
    var application = try EmbeddedServer.application([
      "refusals": """
      local host = require 'host'
      local loop = {}
      loop.loop = loop
      return function(args)
        local found = {}
        for _, value in ipairs { { { f = print } }, coroutine.create(print), "\\xff", 0/0, loop, { [{}] = 1 },
            { [0.5] = 1 } } do
          local ok, message = pcall(host.take, 1, value)
          found[#found + 1] = ok and "taken" or message
        end
        found[#found + 1] = select(2, pcall(function() return host.none end))
        found[#found + 1] = select(2, pcall(function() return host:take() end))
        found[#found + 1] = select(2, pcall(function() host.take = 1 end))
        return found
      end
      """,
      "early": "local value = require('host').take(1) return function() end",
    ])
    application.function("take", on: .worker) { _ in nil }
    application.function("other") { _ in nil }
    let server = try application.start()
    defer { server.stop() }
    let answer = try BlockingClient.post(server.port, "/refusals")
    for part in [
      "host.take: a function at argument 2[1].f cannot be passed on", "a thread at argument 2",
      "a string that is not UTF-8 at argument 2", "NaN at argument 2",
      "a cycle, or nesting deeper than 1000 levels at argument 2.loop.loop",
      "a key that is a table at argument 2",
      "a key that is a fraction at argument 2",
      "app/refusals.lua:11: host.none: the program that serves this registers no such function; it has other, take",
      "write host.take(…), with a dot", "read-only",
    ] {
      #expect(answer.contains(part), "\(part) in \(answer)")
    }
    let early = try BlockingClient.post(server.port, "/early")
    #expect(early.contains("app/early.lua:1: host.take works inside a handler only"), "\(early)")
  }

  // MARK: Waiting

  private static let waiting = [
    "wait": "local host = require 'host' return function() return host.wait() end",
    "hello": "return function() return 'hello' end",
  ]

  /// There is one worker, and it answers another request while the function waits.
  @Test func aFunctionThatBlocksHoldsUpNobody() throws {
    let phase = Monitor("")
    var application = try EmbeddedServer.application(Self.waiting)
    application.function("wait") { _ in
      phase.withLock { $0 = "waits" }
      phase.signal()
      _ = phase.wait(milliseconds: 60_000) { $0 == "goes on" ? true : nil }
      return "done"
    }
    let server = try application.start()
    defer { server.stop() }
    let client = try BlockingClient(port: server.port)
    client.send("/wait")
    _ = phase.wait(milliseconds: 60_000) { $0 == "waits" ? true : nil }
    #expect(try BlockingClient.post(server.port, "/hello") == #"200 {"data":"hello"}"#)
    phase.withLock { $0 = "goes on" }
    phase.signal()
    #expect(try client.answer() == #"200 {"data":"done"}"#)
  }

  /// What comes after the call's time is over goes nowhere.
  @Test func aReplyThatIsTooLateIsDropped() throws {
    let phase = Monitor("")
    var application = try EmbeddedServer.application(
      Self.waiting, settings: [.init(key: "limits.wallMilliseconds", value: .integer(50))])
    application.function("wait") { _ in
      _ = phase.wait(milliseconds: 60_000) { $0 == "goes on" ? true : nil }
      phase.withLock { $0 = "done" }
      phase.signal()
      return "late"
    }
    let server = try application.start()
    defer { server.stop() }
    #expect(try BlockingClient.post(server.port, "/wait").hasPrefix("504 "))
    phase.withLock { $0 = "goes on" }
    phase.signal()
    #expect(phase.wait(milliseconds: 60_000) { $0 == "done" ? true : nil } == true)
    #expect(try BlockingClient.post(server.port, "/hello") == #"200 {"data":"hello"}"#)
  }
}
