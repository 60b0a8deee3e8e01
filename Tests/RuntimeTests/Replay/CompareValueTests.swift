// The values that a comparison is made of.

import SpacerEventLog
import Testing

@testable import SpacerRuntime

@Suite struct CanonicalJSONTests {
  @Test func equalObjectsHaveOneForm() {
    let text = CanonicalJSON.text(
      #" { "b" : [ 1 , {"y":null,"x":"a\"}"} ] , "a":-1.5e+3 , "":{} , "c":[]}"#.utf8)
    #expect(text == #"{"":{},"a":-1.5e+3,"b":[1,{"x":"a\"}","y":null}],"c":[]}"#)
    #expect(CanonicalJSON.text(text.utf8) == text)
  }

  @Test(arguments: ["", "{", "[1,]", #"{"a"}"#, #"{"a":1}x"#, #""open"#, #""esc\"#, "plain text", "{1:2}"])
  func whatIsNoJSONStaysAsItIs(text: String) { #expect(CanonicalJSON.text(text.utf8) == text) }

  @Test func linesHaveAMemberEach() {
    #expect(
      CanonicalJSON.lines(#"{"b":[1,{}],"a":[]}"#) == [
        "{", #"  "a": [],"#, #"  "b": ["#, "    1,", "    {}", "  ]", "}",
      ])
    #expect(CanonicalJSON.lines("two\nlines") == ["two", "lines"])
  }

  @Test func depthIsBounded() {
    let deep = String(repeating: "[", count: 5_000) + String(repeating: "]", count: 5_000)
    #expect(CanonicalJSON.text(deep.utf8) == deep)
  }
}

@Suite struct StatementKindTests {
  @Test(arguments: [
    ("SELECT 1", StatementKind.reads), ("  -- UPDATE\n select 1", .reads), ("/* x */ values (1)", .reads),
    ("WITH a AS (SELECT 'insert') SELECT * FROM a", .reads),
    ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", .changes),
    ("INSERT INTO t VALUES (1)", .changes), ("update t set a = 1", .changes), ("CREATE TABLE t(a)", .changes),
    ("", .changes), ("begin", .control), ("COMMIT;", .control), ("/* */ Rollback", .control),
    ("savepoint a", .control), ("PREPARE TRANSACTION 'x'", .control), ("END", .control),
    ("(SELECT 1)", .reads), ("'", .changes), ("/* open", .changes),
  ])
  func areTold(sql: String, kind: StatementKind) {
    #expect(StatementKind(sql.utf8) == kind)
    #expect(StatementKind(Array(sql.utf8) + [0]) == kind)
  }
}

@Suite struct CannedResponseTests {
  @Test func theFirstLineThatFitsCounts() throws {
    let responses = try CannedResponses(
      lines: Array(
        """
        {"method":"post","url":"http://a/x","status":201,"body":{"id": 1}}
        {"url":"http://a/*","body":"text"}

        {"url":"http://a/y","status":500}
        """.utf8))
    let created = responses.response(method: "POST", url: "http://a/x")
    #expect(created.status == 201)
    #expect(created.body == Array(#"{"id": 1}"#.utf8))
    #expect(responses.response(method: "GET", url: "http://a/x").body == Array("text".utf8))
    #expect(responses.response(method: "GET", url: "http://a/y").status == 200)
    let other = responses.response(method: "GET", url: "http://b/")
    #expect(other.status == 200)
    #expect(other.body == Array("{}".utf8))
  }

  @Test(arguments: [
    "nothing", #"{"status":200}"#, #"{"url":"http://a/","status":99}"#, #"{"url":"u","status":"x"}"#,
  ])
  func mistakesNameTheirLine(line: String) throws {
    let text = #"{"url":"http://a/"}"# + "\n" + line
    let error = try #require(throws: EventLogError.self) { try CannedResponses(lines: Array(text.utf8)) }
    #expect(error.message.hasPrefix("line 2"))
  }
}

@Suite struct LineDiffTests {
  @Test func showsWhatChangedWithContext() {
    let old = (1...12).map { "line \($0)" }
    var new = old
    new[5] = "changed"
    new.insert("added", at: 6)
    let lines = LineDiff.lines(old, new, context: 1)
    #expect(
      lines == [
        .gap, .same("line 5"), .old("line 6"), .new("changed"), .new("added"), .same("line 7"), .gap,
      ])
  }

  @Test func beginsAndEndsAreKept() {
    #expect(LineDiff.lines(["a"], []) == [.old("a")])
    #expect(LineDiff.lines([], ["a"]) == [.new("a")])
    #expect(LineDiff.lines([], []).isEmpty)
    #expect(LineDiff.lines(["a", "b"], ["a", "b"]) == [.gap])
    #expect(LineDiff.lines(["a", "a"], ["a"]) == [.same("a"), .old("a")])
  }

  /// Taking one side's lines out of a difference gives that side's text.
  @Test func bothTextsAreInIt() {
    var random = SplitMix(seed: 7)
    for _ in 0..<300 {
      let old = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        "\(Int.random(in: 0...4, using: &random))"
      }
      let new = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        "\(Int.random(in: 0...4, using: &random))"
      }
      let lines = LineDiff.lines(old, new, context: 100)
      let olds = lines.compactMap { line -> String? in
        switch line {
        case .same(let text), .old(let text): text
        case .new, .gap: nil
        }
      }
      let news = lines.compactMap { line -> String? in
        switch line {
        case .same(let text), .new(let text): text
        case .old, .gap: nil
        }
      }
      guard old != new else { continue }
      #expect(olds == old)
      #expect(news == new)
    }
  }
}

@Suite struct RunDifferenceTests {
  private let event = EventRecord(
    topic: "t", partition: 0, offset: 4, key: Array("k".utf8), value: Array("{}".utf8),
    timestampMilliseconds: 1)

  private func pair(_ old: CapturedRun, _ new: CapturedRun) -> RunPair {
    RunPair(event: event, function: "f", old: old, new: new)
  }

  @Test func theKindsAreNamed() {
    let base = CapturedRun(outcome: .done(returned: "1"))
    #expect(pair(base, base).differences.isEmpty)
    var other = base
    other.appends = [CapturedAppend(topic: "t", key: "k", payload: "1")]
    other.statements = [CapturedStatement(database: "d", sql: "DELETE FROM t", parameters: [])]
    other.requests = [CapturedRequest(method: "GET", url: "http://a/", headers: [], body: nil)]
    #expect(pair(base, other).differences == [.appends, .statements, .requests])
    #expect(pair(base, CapturedRun(outcome: .filteredOut)).differences == [.outcome])
    #expect(pair(base, CapturedRun(outcome: .done(returned: nil))).differences == [.outcome])
  }

  @Test func aLineThatMovedIsNoDifference() {
    func run(_ message: String) -> CapturedRun { CapturedRun(outcome: .failed(message)) }
    #expect(pair(run("app/a.lua:12: no such"), run("app/a.lua:40: no such")).differences.isEmpty)
    #expect(pair(run("app/a.lua:12: no such"), run("app/a.lua:12: other")).differences == [.outcome])
    #expect(CapturedOutcome.withoutPlace("a message: 12") == "a message: 12")
    #expect(CapturedOutcome.withoutPlace("a.lua:x: y") == "a.lua:x: y")
    #expect(CapturedOutcome.withoutPlace("") == "")
  }

  @Test func theSummaryCounts() {
    var summary = ComparisonSummary(topic: "t", functions: ["f"])
    summary.count([], of: event)
    #expect(summary.isSame)
    summary.count([.appends, .outcome], of: event)
    #expect(summary.runCount == 2)
    #expect(summary.differenceCount == 1)
    #expect(summary.counts == [.appends: 1, .outcome: 1])
    #expect(summary.firstOffset == 4)
    #expect(!summary.isSame)
    var missing = ComparisonSummary(topic: "t", functions: [])
    missing.onlyNew = ["g"]
    #expect(!missing.isSame)
  }
}
