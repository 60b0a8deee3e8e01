import CLua
import SpacerLuaVM
import Testing

@testable import SpacerRuntime

@Suite struct DatabaseValueTests {
  private func key(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func theStatementUnusedLongestGoes() {
    var cache = StatementCache<Int>(countMax: 2)
    #expect(cache.insert(key("a"), 1) == nil)
    #expect(cache.insert(key("b"), 2) == nil)
    #expect(cache.find(key("a")) == 1)
    #expect(cache.insert(key("c"), 3) == 2)
    #expect(cache.find(key("b")) == nil)
    #expect(cache.insert(key("a"), 4) == 1, "one that is replaced goes too")
    #expect(cache.count == 2)
    #expect(cache.remove(key("a")) == 4)
    #expect(cache.removeAll() == [3])
    var none = StatementCache<Int>(countMax: 0)
    #expect(none.insert(key("a"), 1) == 1)
    #expect(none.count == 0)
  }

  @Test(arguments: [
    (0.5, "0.5"), (5, "5"), (-0.0, "0"), (1e300, "1e+300"), (.infinity, "Infinity"),
    (-.infinity, "-Infinity"),
    (.nan, "NaN"), (123_456_789_012, "123456789012"),
  ])
  func numbers(_ number: Double, _ text: String) {
    #expect(PostgresText.text(of: number) == text)
  }

  @Test(arguments: [
    ("2024-05-06 07:08:09", "2024-05-06T07:08:09"), ("2024-05-06 07:08:09+00", "2024-05-06T07:08:09Z"),
    ("2024-05-06 07:08:09.123456-03", "2024-05-06T07:08:09.123456-03:00"),
    ("2024-05-06 07:08:09+05:30", "2024-05-06T07:08:09+05:30"), ("infinity", "infinity"),
    ("-infinity", "-infinity"), ("0044-03-15 00:00:00 BC", "0044-03-15 00:00:00 BC"),
    ("12024-05-06 07:08:09+00", "12024-05-06T07:08:09Z"), ("", ""),
  ])
  func timestamps(_ text: String, _ iso: String) {
    let result = key(text).withUnsafeBytes { PostgresText.timestamp($0) }
    #expect(String(decoding: result, as: UTF8.self) == iso)
  }

  @Test func bytes() {
    #expect(PostgresText.hexadecimal([0, 255, 0x41]) == key("\\x00ff41"))
    #expect(key("\\x00FF41").withUnsafeBytes { PostgresReader.bytes($0) } == [0, 255, 0x41])
    #expect(key("plain").withUnsafeBytes { PostgresReader.bytes($0) } == key("plain"))
    #expect(key("\\x0").withUnsafeBytes { PostgresReader.bytes($0) } == [])
  }

  /// The JSON of what an array's text becomes.
  private func array(_ text: String, _ element: PostgresConversion) throws -> String {
    let harness = try JSONHarness()
    let state = harness.lua.main
    let held = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    held.initialize(to: 0)
    defer { held.deallocate() }
    let top = lua_gettop(state)
    return key(text).withUnsafeBytes { bytes in
      let reader = PostgresReader(
        state: state, readsNumericAsNumber: false, memory: (UnsafePointer(held), 1 << 20))
      do throws(PostgresReader.Refusal) {
        try reader.push(bytes, as: .array(element))
      } catch {
        return lua_gettop(state) == top ? error.message : "the stack is not as before"
      }
      return harness.encode(at: -1)
    }
  }

  @Test(arguments: [
    ("{1,NULL,-3}", "[1,null,-3]"), ("{}", "[]"), ("{{1,2},{3,4}}", "[[1,2],[3,4]]"),
    ("[-1:0]={7,8}", "[7,8]"), ("", "malformed array at byte 1"), ("{1", "malformed array at byte 3"),
    ("{1,", "malformed array at byte 4"), ("x", "malformed array at byte 1"),
    ("{\"1\\", "malformed array at byte 5"),
    (String(repeating: "{", count: 99), "malformed array at byte 17"),
  ])
  func integerArrays(_ text: String, _ json: String) throws {
    #expect(try array(text, .integer) == json)
  }

  @Test func textArrays() throws {
    #expect(try array(#"{a,"b \"c\" \\","NULL",NULL,""}"#, .text) == #"["a","b \"c\" \\","NULL",null,""]"#)
    #expect(try array(#"{"{\"k\": 1}"}"#, .json) == #"[{"k":1}]"#)
    #expect(try array(#"{"{\"k\": "}"#, .json).contains("unexpected end"))
  }

  @Test func rowsComeOutAsTheyWentIn() {
    var rows = RowBuffer()
    rows.columns = ["a", "b"]
    rows.append(Int64.min)
    rows.append(0.5)
    rows.endRow()
    rows.appendNull()
    key("text").withUnsafeBytes { rows.append($0) }
    rows.endRow()
    var seen: [String] = []
    rows.forEach { column, value in
      switch value {
      case .null: seen.append("\(column) null")
      case .integer(let number): seen.append("\(column) \(number)")
      case .float(let number): seen.append("\(column) \(number)")
      case .bytes(let bytes): seen.append("\(column) \(String(decoding: bytes, as: UTF8.self))")
      }
      return true
    }
    #expect(seen == ["0 \(Int64.min)", "1 0.5", "0 null", "1 text"])
  }

  @Test func hostsAreResolvedWhereTheyAreNames() {
    #expect(HostList(hosts: "/tmp", addresses: nil, ports: nil) == nil)
    #expect(HostList(hosts: "127.0.0.1,::1", addresses: nil, ports: nil) == nil)
    #expect(HostList(hosts: "db", addresses: "10.0.0.1", ports: nil) == nil)
    #expect(HostList(hosts: nil, addresses: nil, ports: "1") == nil)
    let list = HostList(hosts: "one,10.0.0.9,two", addresses: nil, ports: "1,2,3")
    let resolved = list?.resolved { $0 == "one" ? ["10.0.0.1", "fe80::1"] : [] }
    #expect(
      resolved
        == ResolvedHosts(
          hosts: ["one", "one", "10.0.0.9"], addresses: ["10.0.0.1", "fe80::1", ""], ports: ["1", "1", "2"]))
    #expect(HostList(hosts: "x", addresses: nil, ports: nil)?.resolved { _ in [] } == nil)
    #expect(
      HostList(hosts: "a,b", addresses: nil, ports: "5432")?.resolved { [$0 + "!"] }?.ports == [
        "5432", "5432",
      ])
  }

  @Test(arguments: [
    ("", true), (" ; \n", true), ("-- comment", true), ("/* a */ ; -- b\n", true), ("/* open", true),
    ("SELECT 1", false), ("; x", false), ("/* a */ x", false),
  ])
  func whatMayFollowAStatement(_ text: String, _ isBlank: Bool) {
    #expect(SQLiteErrors.isBlank(key(text)[...]) == isBlank)
  }
}
