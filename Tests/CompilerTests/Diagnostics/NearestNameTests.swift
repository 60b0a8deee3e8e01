import Testing

@testable import SpacerCompiler

struct NearestNameTests {
  @Test(arguments: [
    ("pritn", ["print", "pairs", "string"], "print"),
    ("helo", ["hello", "help", "halo"], "hello"),
    ("Topics", ["topic", "topics"], "topics"),
    ("get", ["controllers/users/get", "put"], "controllers/users/get"),
    ("users/gte", ["users/get", "users/put"], "users/get"),
    ("wallMiliseconds", ["cpuMilliseconds", "wallMilliseconds"], "wallMilliseconds"),
    ("appname", ["appName", "envVar"], "appName"),
  ])
  func finds(_ name: String, _ candidates: [String], _ expected: String) {
    #expect(NearestName.find(name, in: candidates) == expected)
    #expect(NearestName.find(name, in: candidates.reversed()) == expected)
  }

  @Test(arguments: [
    ("x", ["y", "z"]), ("ab", ["xy"]), ("", ["a"]), ("logger", ["printer"]), ("same", ["same"]),
    (String(repeating: "a", count: 500), [String(repeating: "a", count: 499)]),
  ])
  func findsNothing(_ name: String, _ candidates: [String]) {
    #expect(NearestName.find(name, in: candidates) == nil)
  }

  @Test func listsSeveralBestFirst() {
    #expect(
      NearestName.findAll("foo", in: ["foa", "fo", "FOO", "fob", "bar"], limit: 3) == ["FOO", "fo", "foa"])
    #expect(NearestName.hint("foo", in: ["fooo"]) == "did you mean 'fooo'?")
    #expect(NearestName.hint("foo", in: ["bar"]) == nil)
  }

  @Test func distanceIsDamerauLevenshtein() {
    func distance(_ a: String, _ b: String, limit: Int = 9) -> Int? {
      NearestName.distance(Array(a.unicodeScalars), Array(b.unicodeScalars), limit: limit)
    }
    #expect(distance("kitten", "sitting") == 3)
    #expect(distance("ab", "ba") == 1)
    #expect(distance("", "abc") == 3)
    #expect(distance("abc", "abc") == 0)
    #expect(distance("kitten", "sitting", limit: 2) == nil)
    #expect(distance("ca", "abc") == 3)
  }
}
