// Reads a rule in the form of POSIX's TZ variable, with RFC 8536's wider hours (-167 to 167).

extension ZoneRule {
  /// Nil for anything else.
  init?(_ text: ArraySlice<UInt8>) {
    var reader = Reader(text: text)
    guard reader.skipName(), let standard = reader.time(hourMax: 24) else { return nil }
    offset = -standard
    guard !reader.isAtEnd else { return }
    guard reader.skipName() else { return nil }
    var summerOffset = offset + 3_600
    if reader.peek != UInt8(ascii: ",") {
      guard let read = reader.time(hourMax: 24) else { return nil }
      summerOffset = -read
    }
    guard let begin = reader.change(), let end = reader.change(), reader.isAtEnd else { return nil }
    summer = Summer(offset: summerOffset, begin: begin, end: end)
  }

  private struct Reader {
    var text: ArraySlice<UInt8>

    var isAtEnd: Bool { text.isEmpty }
    var peek: UInt8? { text.first }

    mutating func take(_ byte: UInt8) -> Bool {
      guard text.first == byte else { return false }
      text.removeFirst()
      return true
    }

    /// Letters, or anything but `>` in angle brackets.
    mutating func skipName() -> Bool {
      if take(UInt8(ascii: "<")) {
        while let byte = text.popFirst() {
          if byte == UInt8(ascii: ">") { return true }
        }
        return false
      }
      let count = text.prefix { $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") }.count
      text.removeFirst(count)
      return count >= 3
    }

    mutating func number(max: Int) -> Int? {
      let digits = text.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
      guard !digits.isEmpty, digits.count <= 3 else { return nil }
      text.removeFirst(digits.count)
      let number = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
      return number <= max ? number : nil
    }

    /// `[+|-]h[:m[:s]]`, in seconds.
    mutating func time(hourMax: Int) -> Int64? {
      let isNegative = take(UInt8(ascii: "-"))
      if !isNegative { _ = take(UInt8(ascii: "+")) }
      guard let hours = number(max: hourMax) else { return nil }
      var seconds = hours * 3_600
      if take(UInt8(ascii: ":")) {
        guard let minutes = number(max: 59) else { return nil }
        seconds += minutes * 60
        if take(UInt8(ascii: ":")) {
          guard let rest = number(max: 59) else { return nil }
          seconds += rest
        }
      }
      return Int64(isNegative ? -seconds : seconds)
    }

    mutating func change() -> Change? {
      guard take(UInt8(ascii: ",")) else { return nil }
      let day: Day
      if take(UInt8(ascii: "J")) {
        guard let number = number(max: 365), number > 0 else { return nil }
        day = .julian(number)
      } else if take(UInt8(ascii: "M")) {
        guard let month = number(max: 12), month > 0, take(UInt8(ascii: ".")), let week = number(max: 5),
          week > 0,
          take(UInt8(ascii: ".")), let weekday = number(max: 6)
        else { return nil }
        day = .month(month, week: week, weekday: weekday)
      } else {
        guard let number = number(max: 365) else { return nil }
        day = .ordinal(number)
      }
      guard take(UInt8(ascii: "/")) else { return Change(day: day, seconds: 7_200) }
      return time(hourMax: 167).map { Change(day: day, seconds: $0) }
    }
  }
}
