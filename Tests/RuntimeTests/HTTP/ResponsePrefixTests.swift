import Testing

@testable import SpacerRuntime

@Suite("Date")
struct ResponsePrefixTests {
  @Test(
    "known moments",
    arguments: [
      (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
      (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
      (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
      (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
      (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
      (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
      (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
      (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ])
  func moments(_ seconds: Int64, _ expected: String) {
    let prefix = ResponsePrefix(seconds: seconds)
    #expect(prefix.withDateLine { text($0) } == "Date: \(expected)\r\n")
    #expect(
      prefix.withBytes { text($0) }
        == "HTTP/1.1 200 OK\r\nDate: \(expected)\r\nContent-Type: application/json\r\nContent-Length: ")
  }
}
