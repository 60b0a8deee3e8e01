import Testing

@testable import SpacerEventLog

struct JSONScannerTests {
  @Test(arguments: [
    "0", "-0.5e+3", "\"\\u00e9\\n\"", "[]", "{}", "[[],{}]", #"{"a":[1,{"b":null}],"c":"d"}"#,
    " [ 1 , 2 ] \n",
    "\"\\ud83d\\ude00\"", "\"ü😀\"", "true", "null",
  ]) func accepts(text: String) { #expect(JSONScanner.isValid(Array(text.utf8))) }

  @Test(arguments: [
    "", " ", "01", "1.", ".5", "+1", "1e", "-", "tru", "nulll", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}",
    "{a:1}",
    "{\"a\":1,}", "[1 2]", "\"\n\"", "\"\\x\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"", "\"", "[",
    "{",
    "]", "1 1", "'a'", "NaN", "[1}", "{\"a\":1]", "// c\n1",
  ]) func refuses(text: String) { #expect(!JSONScanner.isValid(Array(text.utf8))) }

  @Test func refusesWhatIsNoUTF8() {
    for bytes: [UInt8] in [
      [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80],
    ] {
      #expect(!JSONScanner.isValid([0x22] + bytes + [0x22]))
    }
  }

  @Test func boundsDepth() {
    func nested(_ count: Int) -> [UInt8] {
      Array((String(repeating: "[", count: count) + String(repeating: "]", count: count)).utf8)
    }
    #expect(JSONScanner.isValid(nested(JSONScanner.depthMax)))
    #expect(!JSONScanner.isValid(nested(JSONScanner.depthMax + 1)))
    #expect(!JSONScanner.isValid(nested(100_000)))
    // Kinds are kept over the words they stand in.
    let mixed = String(repeating: "[{\"a\":", count: 200) + "1" + String(repeating: "}]", count: 200)
    #expect(JSONScanner.isValid(Array(mixed.utf8)))
    let wrong = String(repeating: "[{\"a\":", count: 200) + "1" + String(repeating: "]}", count: 200)
    #expect(!JSONScanner.isValid(Array(wrong.utf8)))
  }

  @Test func writesWhatItReads() {
    var writer = JSONWriter()
    let text = "a\"b\\c\n\r\t\u{01}\u{7F}é😀"
    writer.beginObject()
    writer.member("text", text)
    writer.key("inner")
    writer.beginObject()
    writer.endObject()
    writer.member("n", -42)
    writer.endObject()
    let object = JSONObject(writer.bytes)
    #expect(object?.string("text") == text)
    #expect(object?.integer("n") == -42)
    #expect(object?.object("inner")?.memberCount == 0)
    #expect(object?.string("n") == nil)
    #expect(object?.integer("text") == nil)
  }
}
