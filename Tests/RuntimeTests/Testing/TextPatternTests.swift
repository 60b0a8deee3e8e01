import Testing

@testable import SpacerRuntime

@Suite struct TextPatternTests {
  @Test(arguments: [
    ("", "", true), ("", "a", false), ("*", "", true), ("*", "abc", true), ("abc", "abc", true),
    ("abc", "abcd", false), ("a*c", "ac", true), ("a*c", "abbc", true), ("a*c", "acb", false),
    ("*b*", "abc", true), ("*b*", "ac", false), ("a*a", "a", false), ("a*b*a", "aba", true),
    ("a*ab", "aab", true),
    ("**", "x", true), ("*ab*ab*", "abab", true), ("*ab*ab*", "abb", false),
    ("https://x/*", "https://x/y?z=1", true),
  ])
  func matching(pattern: String, text: String, isMatch: Bool) {
    #expect(TextPattern(pattern.utf8).matches(Array(text.utf8)) == isMatch)
  }
}
