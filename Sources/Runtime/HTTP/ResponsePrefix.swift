// What most answers begin with, written once a second for its Date. The calendar is counted from
// 0000-03-01, where a leap day is a year's last, so that no table of months is needed.

/// The begin of a 200 with JSON, up to the number of its length, as a plain value; its second line is the
/// Date of every other answer too.
package struct ResponsePrefix: BitwiseCopyable {
  package static let byteCount = dateEnd + 32 + 16
  private static let dateStart = 17
  private static let dateEnd = dateStart + 37

  // 104 bytes, which hold the 102 there are.
  private var words:
    (
      UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64,
      UInt64
    ) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

  /// - Parameter seconds: Since 1970; other moments than those up to the year 9999 are taken for the nearest.
  package init(seconds: Int64) {
    withUnsafeMutableBytes(of: &words) { memory in
      var writer = ByteWriter(memory)
      writer.append("HTTP/1.1 200 OK\r\n")
      Self.writeDate(&writer, Int(min(max(0, seconds), 253_402_300_799)))
      writer.append("Content-Type: application/json\r\nContent-Length: ")
    }
  }

  /// `HTTP/1.1 200 OK`, Date, Content-Type and `Content-Length: `.
  @inline(__always)
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    withUnsafeBytes(of: words) { body(UnsafeRawBufferPointer(rebasing: $0[..<Self.byteCount])) }
  }

  /// `Date: Sun, 06 Nov 1994 08:49:37 GMT` with its line end.
  package func withDateLine<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    withUnsafeBytes(of: words) {
      body(UnsafeRawBufferPointer(rebasing: $0[Self.dateStart..<Self.dateEnd]))
    }
  }

  private static func writeDate(_ writer: inout ByteWriter, _ seconds: Int) {
    let day = seconds / 86_400
    let second = seconds % 86_400
    // 1970-01-01 is day 719,468 of this count, and a Thursday.
    let count = day + 719_468
    let era = count / 146_097
    let dayOfEra = count % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * shifted + 2) / 5 + 1
    let month = shifted < 10 ? shifted + 2 : shifted - 10
    let year = era * 400 + yearOfEra + (month < 2 ? 1 : 0)

    writer.append("Date: ")
    appendName(&writer, "ThuFriSatSunMonTueWed", day % 7)
    writer.append(", ")
    appendPair(&writer, dayOfMonth)
    writer.append(" ")
    appendName(&writer, "JanFebMarAprMayJunJulAugSepOctNovDec", month)
    writer.append(" ")
    appendPair(&writer, year / 100)
    appendPair(&writer, year % 100)
    writer.append(" ")
    appendPair(&writer, second / 3_600)
    writer.append(":")
    appendPair(&writer, second / 60 % 60)
    writer.append(":")
    appendPair(&writer, second % 60)
    writer.append(" GMT\r\n")
  }

  private static func appendPair(_ writer: inout ByteWriter, _ number: Int) {
    writer.append(48 + UInt8(number / 10))
    writer.append(48 + UInt8(number % 10))
  }

  private static func appendName(_ writer: inout ByteWriter, _ names: StaticString, _ index: Int) {
    writer.append(UnsafeRawBufferPointer(start: names.utf8Start + index * 3, count: 3))
  }
}
