import Testing

@testable import SpacerRuntime

@Suite("JSON codec")
struct JSONTests {
  @Test(
    "a value comes back as the contract writes it",
    arguments: [
      ("null", "null"), ("true", "true"), (" false ", "false"), ("0", "0"), ("-0", "-0"), ("-7", "-7"),
      ("1.0", "1"), ("1.5", "1.5"), ("1e2", "100"), ("0.1", "0.1"), ("1E-7", "1e-07"),
      ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
      ("9223372036854775808", "9.223372036854776e+18"), ("1e308", "1e+308"), ("5e-324", "5e-324"),
      ("123456789012345.5", "123456789012345.5"), ("100000000000000000000", "1e+20"),
      ("[]", "[]"), ("{}", "{}"), ("[1,[2,[]],{}]", "[1,[2,[]],{}]"), ("{\"a\":[ ]}", "{\"a\":[]}"),
      ("{\"a\":1,\"a\":2}", "{\"a\":2}"), ("[null,1]", "[null,1]"), ("{\"\":0}", "{\"\":0}"),
      ("\"\\u00e9\\n\\t\\\"\\\\\\/\\b\\f\\r\"", "\"é\\n\\t\\\"\\\\/\\b\\f\\r\""),
      ("\"\\ud83d\\ude00\"", "\"😀\""), ("\"\\u0000\"", "\"\\u0000\""),
      ("\"a long plain string, more than eight\"", "\"a long plain string, more than eight\""),
    ])
  func roundTrip(text: String, expected: String) throws {
    let harness = try JSONHarness()
    #expect(harness.roundTrip(text) == expected)
  }

  @Test(
    "a text that is no JSON is refused with its place",
    arguments: [
      ("", "unexpected end, expected a value at byte 1"),
      ("  ", "unexpected end, expected a value at byte 3"),
      ("{", "expected a string as key at byte 2"),
      ("[1,]", "unexpected character, expected a value at byte 4"),
      ("[1 2]", "expected ',' or ']' at byte 4"), ("{\"a\" 1}", "expected ':' at byte 6"),
      ("{\"a\":1,}", "expected a string as key at byte 8"), ("01", "invalid number (leading zero) at byte 1"),
      ("1.", "invalid number (no digit after the point) at byte 3"), ("-", "invalid number at byte 2"),
      ("1e", "invalid number (no digit in the exponent) at byte 3"), ("tru", "invalid literal at byte 1"),
      ("nul", "invalid literal at byte 1"), ("\"abc", "unterminated string at byte 5"),
      ("\"\\x\"", "invalid escape at byte 3"), ("\"\\u12\"", "incomplete \\u escape at byte 4"),
      ("\"\\ud800\"", "lone surrogate in an escape at byte 8"),
      ("\"\\udc00\"", "lone surrogate in an escape at byte 8"),
      ("\"a\nb\"", "control character in a string at byte 3"),
      ("1 1", "unexpected text after the value at byte 3"), ("1e999", "number out of range at byte 1"),
      ("NaN", "unexpected character, expected a value at byte 1"),
      ("'a'", "unexpected character, expected a value at byte 1"),
    ])
  func refused(text: String, message: String) throws {
    let harness = try JSONHarness()
    #expect(harness.roundTrip(text) == "error: \(message)")
  }

  @Test(
    "invalid UTF-8 is refused",
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
      [0x22, 0xE2, 0x82, 0x22], [0x22, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x80, 0x22],
    ] as [[UInt8]])
  func invalidUTF8(bytes: [UInt8]) throws {
    let harness = try JSONHarness()
    #expect(harness.roundTrip(bytes).hasPrefix("error: invalid UTF-8"))
  }

  @Test("nesting is bounded, both ways")
  func depth() throws {
    let harness = try JSONHarness()
    let deep = String(repeating: "[", count: 1000) + "1" + String(repeating: "]", count: 1000)
    #expect(harness.roundTrip(deep) == deep)
    #expect(harness.roundTrip("[\(deep)]") == "error: nesting deeper than 1000 levels at byte 1001")
    #expect(
      harness.evaluate("(function() local t = {} t.t = t return t end)()")
        .hasPrefix("error: a cycle, or nesting deeper than 1000 levels at value.t.t"))
  }

  @Test(
    "tables take the form their keys give",
    arguments: [
      ("{}", "{}"), ("{1,2,3}", "[1,2,3]"), ("{1,nil,3}", "[1,null,3]"), ("{[3]=1}", "[null,null,1]"),
      ("{[1]=1,[2]=2,x=3}", "{\"1\":1,\"2\":2,\"x\":3}"), ("{[0]=1}", "{\"0\":1}"),
      ("{[-1]=1}", "{\"-1\":1}"),
      ("{[1.5]=1}", "{\"1.5\":1}"), ("{{},{{}}}", "[{},[{}]]"), ("10/2", "5"), ("1/3", "0.3333333333333333"),
      ("2^53", "9007199254740992"), ("-0.0", "-0"), ("'\\127'", "\"\u{7F}\""), ("'\\0'", "\"\\u0000\""),
      ("{[1000]=1}", "error: an excessively sparse array (1 values, the last at index 1000) at value"),
      ("print", "error: a function at value"), ("{a={1,{b=print}}}", "error: a function at value.a[2].b"),
      ("{[true]=1}", "error: a key that is a boolean at value"), ("0/0", "error: NaN at value"),
      ("{1/0}", "error: an infinite number at value[1]"),
      ("'\\255'", "error: a string that is not UTF-8 at value"),
      ("{['\\255']=1}", "error: a key that is not UTF-8 at value"),
    ])
  func tables(expression: String, expected: String) throws {
    let harness = try JSONHarness()
    let text = harness.evaluate(expression)
    if expected.hasPrefix("{\"1\"") {
      // An object's order is the table's.
      #expect(text.count == expected.count && text.contains("\"x\":3") && text.contains("\"1\":1"))
    } else {
      #expect(text == expected)
    }
  }
}
