// Cron expressions, compiled to sets of bits: five fields (minute, hour, day of the month, month, day of the
// week), each `*`, numbers, ranges, steps and lists of them, or a shortcut such as `@daily`.
//
// Days follow the cron of every Unix: when both day fields are restricted (do not begin with `*`) a day of
// either kind will do, else a day has to be of both.

/// Why a text is no cron expression.
struct CronProblem: Error, Equatable {
  /// UTF-8 offsets in the text.
  var range: Range<Int>
  var message: String
  var hint: String?
}

/// The minutes that a cron expression names.
struct CronExpression: Equatable {
  private(set) var minutes: UInt64 = 0
  private(set) var hours: UInt64 = 0
  /// Bit 1 is the month's first day.
  private(set) var daysOfMonth: UInt64 = 0
  /// Bit 1 is January.
  private(set) var months: UInt64 = 0
  /// Bit 0 is Sunday.
  private(set) var daysOfWeek: UInt64 = 0
  private(set) var isDayOfMonthRestricted = false
  private(set) var isDayOfWeekRestricted = false

  /// The form that the artifact holds: seven decimal numbers.
  var compiled: String {
    let flags: [UInt64] = [isDayOfMonthRestricted ? 1 : 0, isDayOfWeekRestricted ? 1 : 0]
    return ([minutes, hours, daysOfMonth, months, daysOfWeek] + flags).map { String($0) }
      .joined(separator: " ")
  }

  private struct Field {
    var name: String
    var values: ClosedRange<Int>
    /// Names of the values, the first for the lowest.
    var names: [String] = []
  }

  private static let minute = Field(name: "minute", values: 0...59)
  private static let hour = Field(name: "hour", values: 0...23)
  private static let dayOfMonth = Field(name: "day of the month", values: 1...31)
  private static let month = Field(
    name: "month", values: 1...12,
    names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
  /// 7 is Sunday too.
  private static let dayOfWeek = Field(
    name: "day of the week", values: 0...7, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])

  private static let shortcuts = [
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
  ]

  /// A piece of the text with its place.
  private struct Piece {
    var text: Substring.UTF8View
    var start: Int
    var range: Range<Int> { start..<(start + max(1, text.count)) }
    var string: String { String(Substring(text)) }

    /// The pieces between `separator`s, empty ones included.
    func split(_ separator: UInt8) -> [Piece] {
      var start = start
      return text.split(separator: separator, omittingEmptySubsequences: false).map { part in
        defer { start += part.count + 1 }
        return Piece(text: part, start: start)
      }
    }
  }

  init(_ text: String) throws(CronProblem) {
    let text = try Self.expanded(text)
    let fields = Piece(text: Substring(text).utf8, start: 0).split(0x20).filter { !$0.text.isEmpty }
    guard fields.count == 5 else {
      throw CronProblem(
        range: 0..<max(1, text.utf8.count),
        message: "a cron expression has five fields, not \(fields.count)",
        hint: fields.count == 6
          ? "there is no field for seconds; for less than a minute use 'every: 30s'"
          : "they are minute, hour, day of the month, month and day of the week: \"0 3 * * *\"")
    }
    minutes = try Self.bits(fields[0], Self.minute)
    hours = try Self.bits(fields[1], Self.hour)
    daysOfMonth = try Self.bits(fields[2], Self.dayOfMonth)
    months = try Self.bits(fields[3], Self.month)
    daysOfWeek = try Self.bits(fields[4], Self.dayOfWeek)
    // 7 is Sunday as 0 is.
    daysOfWeek = (daysOfWeek | daysOfWeek >> 7) & 0x7F
    isDayOfMonthRestricted = fields[2].text.first != 0x2A
    isDayOfWeekRestricted = fields[4].text.first != 0x2A
    guard firesEver else {
      throw CronProblem(
        range: fields[2].start..<fields[3].range.upperBound,
        message: "the schedule never comes: no such month has such a day",
        hint: "the months have 28 to 31 days, and February has 29 every four years")
    }
  }

  /// The five fields that a shortcut stands for; any other text as it is.
  private static func expanded(_ text: String) throws(CronProblem) -> String {
    guard text.hasPrefix("@") else { return text }
    guard let expression = shortcuts[text.lowercased()] else {
      let known = shortcuts.keys.sorted() + ["@every"]
      throw CronProblem(
        range: 0..<text.utf8.count, message: "'\(text)' is no schedule",
        hint: NearestName.hint(text, in: known) ?? "there are \(known.joined(separator: ", "))")
    }
    return expression
  }

  /// Whether some day of some year is meant; a day of the week occurs in each month, and on each date.
  private var firesEver: Bool {
    if isDayOfMonthRestricted, isDayOfWeekRestricted { return true }
    let lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return lengths.enumerated().contains { month, length in
      months & 1 << UInt64(month + 1) != 0 && daysOfMonth & (2 << UInt64(length) - 1) != 0
    }
  }

  // MARK: Fields

  private static func bits(_ piece: Piece, _ field: Field) throws(CronProblem) -> UInt64 {
    var bits: UInt64 = 0
    for item in piece.split(0x2C) { bits |= try itemBits(item, field) }
    return bits
  }

  /// `*`, `5`, `1-5`, each perhaps with `/STEP`; a step behind a single number counts up to the highest.
  private static func itemBits(_ item: Piece, _ field: Field) throws(CronProblem) -> UInt64 {
    let parts = item.split(0x2F)
    guard parts.count <= 2, let base = parts.first, !base.text.isEmpty else {
      throw CronProblem(
        range: item.range, message: "'\(item.string)' is no \(field.name)", hint: hint(field))
    }
    var step = 1
    if parts.count == 2 {
      guard let value = number(parts[1]), value > 0, value <= field.values.upperBound else {
        throw CronProblem(
          range: parts[1].range,
          message: "the step of the \(field.name) must be from 1 to \(field.values.upperBound)")
      }
      step = value
    }
    let values: ClosedRange<Int>
    if base.text.elementsEqual("*".utf8) {
      values = field.values
    } else {
      let bounds = base.split(0x2D)
      guard bounds.count <= 2 else {
        throw CronProblem(range: base.range, message: "'\(base.string)' is no range", hint: hint(field))
      }
      let low = try value(bounds[0], field)
      var high = low
      if bounds.count == 2 {
        high = try value(bounds[1], field)
        // A week may end with Sunday.
        if field.values.upperBound == 7, high == 0, low > 0 { high = 7 }
      } else if parts.count == 2 {
        high = field.values.upperBound
      }
      guard low <= high else {
        throw CronProblem(
          range: base.range, message: "the range '\(base.string)' goes backwards",
          hint: "write two: '\(low)-\(field.values.upperBound),\(field.values.lowerBound)-\(high)'")
      }
      values = low...high
    }
    return stride(from: values.lowerBound, through: values.upperBound, by: step)
      .reduce(0) { $0 | 1 << UInt64($1) }
  }

  private static func value(_ piece: Piece, _ field: Field) throws(CronProblem) -> Int {
    if let value = number(piece) {
      guard field.values.contains(value) else {
        throw CronProblem(
          range: piece.range,
          message: "the \(field.name) must be from \(field.values.lowerBound) to \(field.values.upperBound), "
            + "not \(value)")
      }
      return value
    }
    let name = piece.string.uppercased()
    guard let index = field.names.firstIndex(of: name) else {
      throw CronProblem(
        range: piece.range, message: "'\(piece.string)' is no \(field.name)",
        hint: NearestName.hint(name, in: field.names) ?? hint(field))
    }
    return field.values.lowerBound + index
  }

  private static func number(_ piece: Piece) -> Int? {
    guard !piece.text.isEmpty, piece.text.count <= 4, piece.text.allSatisfy(Patterns.isDigit) else {
      return nil
    }
    return Int(piece.string)
  }

  private static func hint(_ field: Field) -> String {
    let names = field.names.isEmpty ? "" : ", or \(field.names[0]) to \(field.names[field.names.count - 1])"
    return "write '*', numbers from \(field.values.lowerBound) to \(field.values.upperBound)\(names), ranges "
      + "'A-B', steps '*/N', or a list of these with ','"
  }
}
