// Results for people: a line a file, and of a failure all that explains it.

import SpacerCompiler
import SpacerRuntime

final class ListPrinter: TestPrinter {
  private let project: String
  private let isVerbose: Bool
  /// Files without a test that fits are left out.
  private let isFiltered: Bool
  private let console = Console.standardOutput
  private let style: TestStyle

  init(project: String, isVerbose: Bool, isFiltered: Bool) {
    self.project = project
    self.isFiltered = isFiltered
    self.isVerbose = isVerbose
    style = TestStyle(isColored: Console.standardOutput.wantsColor)
  }

  func print(_ result: TestFileResult) {
    if isFiltered, result.tests.isEmpty, result.failure == nil { return }
    var text = head(result)
    for test in result.tests {
      switch test.outcome {
      case .passed where !isVerbose: continue
      case .passed:
        text += "  \(style.green("ok")) \(Printable.text(test.fullName)) \(time(test.milliseconds))\n"
      case .skipped(let reason):
        text += "  \(style.yellow("skipped")) \(Printable.text(test.fullName))"
        text += (reason.isEmpty ? "" : ": \(Printable.text(reason))") + "\n"
      case .failed(let failure), .broken(let failure):
        text +=
          "  \(style.red("failed")) \(style.bold(Printable.text(test.fullName))) \(time(test.milliseconds))\n"
        text += explain(failure)
      }
      text += output(test.output)
    }
    if let failure = result.failure {
      text += "  \(style.red("failed")) the file itself\n" + explain(failure)
    }
    if result.failure != nil || isVerbose { text += output(result.output) }
    console.write(text)
  }

  func end(_ results: [TestFileResult], nanoseconds: UInt64) {
    let counts = TestCounts(results)
    guard counts.runCount + counts.skipped > 0 else { return }
    var parts = ["\(counts.passed) passed"]
    if counts.failed + counts.broken > 0 { parts.append("\(counts.failed + counts.broken) failed") }
    if counts.skipped > 0 { parts.append("\(counts.skipped) skipped") }
    let summary = parts.joined(separator: ", ")
    let files = results.count == 1 ? "1 file" : "\(results.count) files"
    let isWell = counts.failed + counts.broken == 0
    console.write(
      "\n\(isWell ? style.green(summary) : style.red(summary)) in \(files), \(secondsText(nanoseconds)) s\n")
  }

  private func head(_ result: TestFileResult) -> String {
    let counts = TestCounts([result])
    let isWell = counts.failed + counts.broken == 0
    var text = isWell ? style.green("ok") : style.red("FAILED")
    let count = result.tests.count == 1 ? "1 test" : "\(result.tests.count) tests"
    text += " \(Printable.text(result.path)) (\(count))"
    return text + " \(time(result.milliseconds))\n"
  }

  private func time(_ milliseconds: Double) -> String {
    let tenths = Int((milliseconds * 10).rounded())
    return style.dim(tenths < 100 ? "\(tenths / 10).\(tenths % 10) ms" : "\((tenths + 5) / 10) ms")
  }

  private func output(_ lines: [String]) -> String {
    lines.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
      .map { style.dim("    | \(Printable.text(String($0)))") + "\n" }.joined()
  }

  // MARK: Failures

  private func explain(_ failure: TestFailure) -> String {
    var text = ""
    let lines = failure.message.split(separator: "\n", omittingEmptySubsequences: false).map {
      Printable.text(String($0))
    }
    let place = failure.place.map { "\(Printable.text($0.path)):\($0.line): " } ?? ""
    let difference = difference(failure)
    // The values are in the difference already, where that has several lines.
    let shown = difference.isEmpty ? lines : Array(lines.prefix { !$0.hasPrefix("expected: ") })
    text += "    \(style.bold(place + (shown.first ?? "the values differ")))\n"
    for line in shown.dropFirst() { text += "    \(line)\n" }
    text += difference
    if let place = failure.place { text += frame(place) }
    for caller in failure.callers.dropFirst() where !isRepeated(caller, in: failure) {
      text += style.dim("      called at \(Printable.text(caller.path)):\(caller.line)") + "\n"
    }
    return text
  }

  /// Recursion shows once.
  private func isRepeated(_ caller: TestPlace, in failure: TestFailure) -> Bool {
    let places = failure.callers
    guard let first = places.firstIndex(of: caller), let last = places.lastIndex(of: caller) else {
      return false
    }
    return first != last
  }

  private func difference(_ failure: TestFailure) -> String {
    guard let expected = failure.expected, let actual = failure.actual else { return "" }
    func lines(_ text: String) -> [String] {
      text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
    let (old, new) = (lines(expected), lines(actual))
    guard old.count > 1 || new.count > 1 else { return "" }
    var text = "    \(style.green("- expected"))\n    \(style.red("+ actual"))\n"
    for line in LineDiff.lines(old, new) {
      switch line {
      case .same(let line): text += "      \(Printable.text(line))\n"
      case .old(let line): text += "    \(style.green("- " + Printable.text(line)))\n"
      case .new(let line): text += "    \(style.red("+ " + Printable.text(line)))\n"
      case .gap: text += "      …\n"
      }
    }
    return text
  }

  private func frame(_ place: TestPlace) -> String {
    guard let bytes = try? DiskFiles(root: project, folders: ScanLimits.foldersWithTests).read(place.path)
    else {
      return ""
    }
    let range = LineMap(bytes).trimmedRange(ofLine: place.line)
    let renderer = DiagnosticRenderer(sources: [place.path: bytes], useColor: style.isColored)
    return renderer.frame(SourceLocation(path: place.path, range: range)).split(separator: "\n").map {
      "  \($0)\n"
    }.joined()
  }
}

/// Colours, where they are welcome.
struct TestStyle {
  let isColored: Bool

  private func painted(_ text: String, _ code: String) -> String {
    isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  func green(_ text: String) -> String { painted(text, "32") }
  func red(_ text: String) -> String { painted(text, "31") }
  func yellow(_ text: String) -> String { painted(text, "33") }
  func bold(_ text: String) -> String { painted(text, "1") }
  func dim(_ text: String) -> String { painted(text, "2") }
}
