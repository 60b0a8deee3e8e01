import Testing

@testable import SpacerEventLog

struct EventFilterTests {
  private func matches(_ filter: String, _ payload: String) throws -> Bool {
    try EventFilter(filter).matches(Array(payload.utf8))
  }

  @Test(arguments: [
    (#"[]"#, #"{}"#, true), (#"[]"#, #"1"#, true), (#"[]"#, #"{"#, false),
    (#"[{"path":["t"],"equals":["a","b"]}]"#, #"{"t":"b"}"#, true),
    (#"[{"path":["t"],"equals":["a"]}]"#, #"{"t":"\u0061"}"#, true),
    (#"[{"path":["t"],"equals":["a"]}]"#, #"{"t":"a","t":"b"}"#, false),
    (#"[{"path":["t"],"equals":["b"]}]"#, #"{"t":"a","t":"b"}"#, true),
    (#"[{"path":["a","b"],"exists":true}]"#, #"{"a":{"b":1},"a":{}}"#, false),
    (#"[{"path":["a","b"],"exists":true}]"#, #"{"a":{"b":null}}"#, true),
    (#"[{"path":["a","b"],"exists":false}]"#, #"{"a":[1]}"#, true),
    (#"[{"path":["n"],"equals":[1]}]"#, #"{"n":1.0}"#, true),
    (#"[{"path":["n"],"equals":[100]}]"#, #"{"n":1e2}"#, true),
    (#"[{"path":["n"],"equals":[9007199254740993]}]"#, #"{"n":9007199254740992}"#, false),
    (#"[{"path":["n"],"equals":["1"]}]"#, #"{"n":1}"#, false),
    (#"[{"path":["n"],"equals":[null]}]"#, #"{"n":null}"#, true),
    (#"[{"path":["n"],"equals":[{"x":[1,2],"y":true}]}]"#, #"{"n":{"y":true,"x":[1.0,2]}}"#, true),
    (#"[{"path":["r"],"prefix":["eu-","us-"]}]"#, #"{"r":"us-1"}"#, true),
    (#"[{"path":["r"],"prefix":["eu-"]}]"#, #"{"r":"eu"}"#, false),
    (#"[{"path":["r"],"prefix":["é"]}]"#, #"{"r":"\u00e9t\u00e9"}"#, true),
    (#"[{"path":["r"],"prefix":["1"]}]"#, #"{"r":12}"#, false),
    (#"[{"path":["a"],"exists":true},{"path":["b"],"exists":true}]"#, #"{"a":1}"#, false),
  ]) func conditions(filter: String, payload: String, expected: Bool) throws {
    #expect(try matches(filter, payload) == expected)
  }

  @Test(arguments: [
    "", "{}", "[1]", #"[{"path":[],"exists":true}]"#, #"[{"path":["a"]}]"#, #"[{"path":["a"],"is":1}]"#,
    #"[{"path":[1],"exists":true}]"#, #"[{"path":["a"],"exists":1}]"#, #"[{"path":["a"],"equals":1}]"#,
    #"[{"path":["a"],"prefix":[1]}]"#, #"[{"path":["a"],"exists":true,"prefix":["x"]}]"#, "[] x",
    "[" + String(repeating: #"{"path":["a"],"exists":true},"#, count: 64) + #"{"path":["a"],"exists":true}]"#,
  ]) func refusesWhatIsNoFilter(text: String) {
    #expect(throws: EventLogError.self) { try EventFilter(text) }
  }

  /// Against a reference that builds the whole value.
  @Test func fuzzAgainstReference() throws {
    try TriggerFuzz.run("filter") { random in
      let payload = Self.value(&random, depth: 3)
      var bytes = Array(payload.utf8)
      if Int.random(in: 0..<10, using: &random) == 0, !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let path = (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.name(&random) }
      let wanted = Self.value(&random, depth: 1)
      let pathText = path.map { "\"\($0)\"" }.joined(separator: ",")
      let found = JSONValue(bytes).flatMap { Self.find(path, in: $0) }
      let equals = try EventFilter("[{\"path\":[\(pathText)],\"equals\":[\(wanted)]}]")
      #expect(equals.matches(bytes) == (found != nil && found == JSONValue(Array(wanted.utf8))), "\(payload)")
      let exists = try EventFilter("[{\"path\":[\(pathText)],\"exists\":true}]")
      #expect(exists.matches(bytes) == (found != nil), "\(payload)")
      let prefix = try EventFilter("[{\"path\":[\(pathText)],\"prefix\":[\"a\",\"\"]}]")
      var isString = false
      if case .string = found { isString = true }
      #expect(prefix.matches(bytes) == isString, "\(payload)")
      #expect(JSONScanner.isValid(bytes) == (JSONValue(bytes) != nil), "\(payload)")
    }
  }

  private static func find(_ path: [String], in value: JSONValue) -> JSONValue? {
    path.reduce(value) { found, name in
      guard case .object(let members)? = found else { return nil }
      return members[Array(name.utf8)]
    }
  }

  private static func name(_ random: inout SplitMix) -> String {
    ["a", "b", "ab"][Int.random(in: 0..<3, using: &random)]
  }

  private static func value(_ random: inout SplitMix, depth: Int) -> String {
    let space = ["", " ", "\n\t"][Int.random(in: 0..<3, using: &random)]
    switch Int.random(in: 0..<(depth > 0 ? 10 : 7), using: &random) {
    case 0: return space + "null"
    case 1: return "true" + space
    case 2: return String(Int.random(in: -2...2, using: &random))
    case 3: return ["1.0", "-0", "1e0", "0.5", "20e-1"][Int.random(in: 0..<5, using: &random)]
    case 4:
      return ["\"a\"", "\"\\u0061\"", "\"\"", "\"\\ud83d\\ude00\""][Int.random(in: 0..<4, using: &random)]
    case 5: return "\"\(name(&random))\""
    case 6: return "false"
    case 7:
      let count = Int.random(in: 0...2, using: &random)
      return "[" + (0..<count).map { _ in value(&random, depth: depth - 1) }.joined(separator: ",") + "]"
    default:
      let members = (0..<Int.random(in: 0...3, using: &random)).map { _ in
        "\(space)\"\(name(&random))\"\(space):\(value(&random, depth: depth - 1))"
      }
      return "{" + members.joined(separator: ",") + space + "}"
    }
  }
}
