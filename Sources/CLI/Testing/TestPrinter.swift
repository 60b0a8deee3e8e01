// What results of tests are printed as: an interface, and the texts that machines read.

import Glibc
import SpacerRuntime

/// Prints the results of one run.
protocol TestPrinter: AnyObject {
  func begin(fileCount: Int)
  /// One file has run; in the order of their paths.
  func print(_ result: TestFileResult)
  func end(_ results: [TestFileResult], nanoseconds: UInt64)
}

extension TestPrinter {
  func begin(fileCount: Int) {}
  func print(_ result: TestFileResult) {}
}

/// The counts of a run.
struct TestCounts {
  var passed = 0
  /// An assertion did not hold.
  var failed = 0
  /// An error was raised; files that could not be run among them.
  var broken = 0
  var skipped = 0

  init(_ results: [TestFileResult]) {
    for result in results {
      if result.failure != nil { broken += 1 }
      for test in result.tests {
        switch test.outcome {
        case .passed: passed += 1
        case .failed: failed += 1
        case .broken: broken += 1
        case .skipped: skipped += 1
        }
      }
    }
  }

  /// Those that ran.
  var runCount: Int { passed + failed + broken }
}

extension TestFailure {
  /// `test/test_a.lua:3: message`.
  var text: String { place.map { "\($0.path):\($0.line): \(message)" } ?? message }
}

/// Seconds with three digits.
func secondsText(_ nanoseconds: UInt64) -> String {
  let milliseconds = (nanoseconds + 500_000) / 1_000_000
  let rest = String(milliseconds % 1_000)
  return "\(milliseconds / 1_000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
}

func secondsText(milliseconds: Double) -> String { secondsText(UInt64(max(0, milliseconds) * 1_000_000)) }

/// TAP in the form of the original's tests.
final class TAPPrinter: TestPrinter {
  private let started = time(nil)

  func end(_ results: [TestFileResult], nanoseconds: UInt64) {
    let counts = TestCounts(results)
    let count = results.reduce(0) { $0 + $1.tests.count + ($1.failure == nil ? 0 : 1) }
    var text = "1..\(count)\n# Started on \(Self.clock(started))\n"
    var number = 0
    for result in results {
      var className: String?
      for test in result.tests {
        if test.className != className {
          className = test.className
          text +=
            "# Starting class: \(test.className.isEmpty ? "[TestFunctions]" : Self.line(test.className))\n"
        }
        number += 1
        text += Self.text(number, Self.line(test.fullName), test.outcome)
      }
      if let failure = result.failure {
        number += 1
        text += Self.text(number, Self.line(result.path), .broken(failure))
      }
    }
    text += "# Ran \(counts.runCount) tests in \(secondsText(nanoseconds)) seconds, \(counts.passed) "
    text += counts.passed == 1 ? "success" : "successes"
    text += ", \(counts.failed) \(counts.failed == 1 ? "failure" : "failures")"
    if counts.broken > 0 { text += ", \(counts.broken) \(counts.broken == 1 ? "error" : "errors")" }
    if counts.skipped > 0 { text += ", \(counts.skipped) skipped" }
    Console.standardOutput.write(text + "\n")
  }

  private static func text(_ number: Int, _ name: String, _ outcome: TestOutcome) -> String {
    switch outcome {
    case .passed: "ok     \(number)\t\(name)\n"
    case .skipped(let reason):
      "ok     \(number)\t# SKIP \(name)\(reason.isEmpty ? "" : ": " + line(reason))\n"
    case .failed(let failure), .broken(let failure):
      "not ok \(number)\t\(name)\n"
        + failure.text.split(separator: "\n", omittingEmptySubsequences: false).map {
          "#   \(line(String($0)))\n"
        }.joined()
    }
  }

  /// A `#` begins a directive, and what tests say cannot steer a terminal.
  private static func line(_ text: String) -> String { Printable.text(text) }

  /// `Mon Feb 12 17:46:48 2018`.
  private static func clock(_ time: time_t) -> String {
    var time = time
    var parts = tm()
    localtime_r(&time, &parts)
    let bytes = [CChar](unsafeUninitializedCapacity: 64) { buffer, count in
      count = strftime(buffer.baseAddress, buffer.count, "%a %b %e %H:%M:%S %Y", &parts)
    }
    return String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// JUnit's XML, as CI servers read it.
final class JUnitPrinter: TestPrinter {
  func end(_ results: [TestFileResult], nanoseconds: UInt64) {
    let counts = TestCounts(results)
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites tests=\"\(counts.runCount + counts.skipped)\" failures=\"\(counts.failed)\" "
    text +=
      "errors=\"\(counts.broken)\" skipped=\"\(counts.skipped)\" time=\"\(secondsText(nanoseconds))\">\n"
    for result in results { text += Self.suite(result) }
    Console.standardOutput.write(text + "</testsuites>\n")
  }

  private static func suite(_ result: TestFileResult) -> String {
    let counts = TestCounts([result])
    var text = "  <testsuite name=\"\(escaped(result.path))\" tests=\"\(counts.runCount + counts.skipped)\" "
    text += "failures=\"\(counts.failed)\" errors=\"\(counts.broken)\" skipped=\"\(counts.skipped)\" "
    text += "time=\"\(secondsText(milliseconds: result.milliseconds))\">\n"
    for test in result.tests { text += testCase(test, of: result) }
    if let failure = result.failure {
      text += "    <testcase classname=\"\(escaped(result.path))\" name=\"(file)\" time=\"0.000\">\n"
      text += element("error", failure) + "    </testcase>\n"
    }
    return text + "  </testsuite>\n"
  }

  private static func testCase(_ test: TestResult, of result: TestFileResult) -> String {
    let className = test.className.isEmpty ? result.path : test.className
    var text = "    <testcase classname=\"\(escaped(className))\" name=\"\(escaped(test.name))\" "
    text += "file=\"\(escaped(result.path))\" time=\"\(secondsText(milliseconds: test.milliseconds))\""
    var inside = ""
    switch test.outcome {
    case .passed: break
    case .skipped(let reason): inside += "      <skipped message=\"\(escaped(reason))\"/>\n"
    case .failed(let failure): inside += element("failure", failure)
    case .broken(let failure): inside += element("error", failure)
    }
    if !test.output.isEmpty {
      inside += "      <system-out>\(escaped(test.output.joined(separator: "\n")))</system-out>\n"
    }
    text += inside.isEmpty ? "/>\n" : ">\n\(inside)    </testcase>\n"
    return text
  }

  private static func element(_ name: String, _ failure: TestFailure) -> String {
    let callers = failure.callers.dropFirst().map { "\n  called at \($0.path):\($0.line)" }.joined()
    return
      "      <\(name) message=\"\(escaped(failure.message))\">\(escaped(failure.text + callers))</\(name)>\n"
  }

  /// XML has no place for most control characters.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "&#10;"
      case "\t": result += "&#9;"
      case "\r": result += "&#13;"
      default:
        let isAllowed = scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF
        result.unicodeScalars.append(isAllowed ? scalar : "\u{FFFD}")
      }
    }
    return result
  }
}

/// JSON for tools.
final class JSONPrinter: TestPrinter {
  func end(_ results: [TestFileResult], nanoseconds: UInt64) {
    let counts = TestCounts(results)
    Console.standardOutput.write(
      JSONText.object([
        ("passed", .integer(counts.passed)), ("failed", .integer(counts.failed)),
        ("errors", .integer(counts.broken)), ("skipped", .integer(counts.skipped)),
        ("seconds", .encoded(secondsText(nanoseconds))), ("files", .array(results.map(Self.file))),
      ]).text)
  }

  private static func file(_ result: TestFileResult) -> JSONText {
    var fields: [(String, JSONText)] = [
      ("file", .string(result.path)), ("seconds", .encoded(secondsText(milliseconds: result.milliseconds))),
    ]
    if let failure = result.failure { fields.append(("failure", json(failure))) }
    if !result.output.isEmpty { fields.append(("output", .strings(result.output))) }
    fields.append(("tests", .array(result.tests.map(test))))
    return .object(fields)
  }

  private static func test(_ test: TestResult) -> JSONText {
    var fields: [(String, JSONText)] = [("class", .string(test.className)), ("name", .string(test.name))]
    switch test.outcome {
    case .passed: fields.append(("outcome", .string("passed")))
    case .skipped(let reason): fields += [("outcome", .string("skipped")), ("reason", .string(reason))]
    case .failed(let failure): fields += [("outcome", .string("failed")), ("failure", json(failure))]
    case .broken(let failure): fields += [("outcome", .string("error")), ("failure", json(failure))]
    }
    fields.append(("seconds", .encoded(secondsText(milliseconds: test.milliseconds))))
    if !test.output.isEmpty { fields.append(("output", .strings(test.output))) }
    return .object(fields)
  }

  private static func json(_ failure: TestFailure) -> JSONText {
    var fields: [(String, JSONText)] = [("message", .string(failure.message))]
    if let place = failure.place {
      fields += [("file", .string(place.path)), ("line", .integer(place.line))]
    }
    if let expected = failure.expected { fields.append(("expected", .string(expected))) }
    if let actual = failure.actual { fields.append(("actual", .string(actual))) }
    fields.append(("callers", .strings(failure.callers.map { "\($0.path):\($0.line)" })))
    return .object(fields)
  }
}
