// What running tests comes to, as values. Texts are the tests' own: who prints them makes them printable.

/// A line of a file of the project.
package struct TestPlace: Equatable, Sendable {
  /// Relative to the project.
  package var path: String
  /// From 1.
  package var line: Int

  package init(path: String, line: Int) {
    self.path = path
    self.line = line
  }
}

/// Why a test failed.
package struct TestFailure: Equatable, Sendable {
  /// Without the place.
  package var message: String
  /// The innermost line of the project's that ran.
  package var place: TestPlace?
  /// The lines that led there, innermost first, the place itself included.
  package var callers: [TestPlace] = []
  /// Both values of an assertion that compares, a line for each member of a table.
  package var expected: String?
  package var actual: String?

  package init(message: String) { self.message = message }
}

/// How a test ended.
package enum TestOutcome: Equatable, Sendable {
  case passed
  /// An assertion did not hold.
  case failed(TestFailure)
  /// An error was raised, or a bound was passed.
  case broken(TestFailure)
  case skipped(String)
}

/// One test.
package struct TestResult: Equatable, Sendable {
  /// The table that holds it; empty for a function by itself.
  package var className: String
  package var name: String
  package var outcome: TestOutcome
  package var milliseconds: Double
  /// What was printed and logged meanwhile.
  package var output: [String] = []

  /// `testT.test_ret`.
  package var fullName: String { className.isEmpty ? name : "\(className).\(name)" }

  package var failure: TestFailure? {
    switch outcome {
    case .failed(let failure), .broken(let failure): failure
    case .passed, .skipped: nil
    }
  }
}

/// One file of tests.
package struct TestFileResult: Equatable, Sendable {
  /// Relative to the project.
  package var path: String
  package var tests: [TestResult] = []
  /// What ended the file itself, outside of its tests.
  package var failure: TestFailure?
  /// What was printed and logged outside of its tests.
  package var output: [String] = []
  package var milliseconds = 0.0
  /// How often each line ran, by path; empty unless coverage is asked for.
  package var lineCounts: [String: [Int: Int]] = [:]

  package init(path: String) { self.path = path }

  package var failureCount: Int { tests.count { $0.failure != nil } + (failure == nil ? 0 : 1) }
}

/// How to run tests.
package struct TestOptions: Sendable {
  /// What the names of tests must hold; `*` stands for any text. Nil: all run.
  package var filter: String?
  /// What one test may take, its preparation apart, and what a file may take outside of its tests.
  package var timeoutMilliseconds = 10_000
  /// Files that run at a time.
  package var workerCount = 1
  package var countsLines = false
  package var environment = "test"
  /// The file of a LuaUnit of the user's, which `require "luaunit"` gives in place of our own; nil for ours.
  package var luaUnit: (path: String, text: [UInt8])?

  package init() {}
}
