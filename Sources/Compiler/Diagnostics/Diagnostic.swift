// A user's mistake is a value, not a thrown error: collected, sorted, rendered at the end.

/// How much a diagnostic weighs: an error stops the build.
package enum Severity: Int, Sendable, Comparable {
  case error = 0
  case warning, note

  package var name: String {
    switch self {
    case .error: "error"
    case .warning: "warning"
    case .note: "note"
    }
  }

  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Bytes `start..<end` of a source file.
package struct SourceRange: Equatable, Hashable, Sendable {
  package var start: UInt32
  package var end: UInt32

  package init(start: Int, end: Int) {
    self.start = UInt32(clamping: start)
    self.end = UInt32(clamping: Swift.max(start, end))
  }
}

/// A place in a file of the project; without a range it means the file as a whole.
package struct SourceLocation: Equatable, Sendable {
  /// Relative to the project, `/` as separator: `app/gateway.lua`.
  package var path: String
  package var range: SourceRange?

  package init(path: String, range: SourceRange? = nil) {
    self.path = path
    self.range = range
  }
}

/// One finding.
package struct Diagnostic: Equatable, Sendable {
  /// A further place or fact that explains the finding; shown with its own code frame when it has a location.
  package struct Note: Equatable, Sendable {
    package var message: String
    package var location: SourceLocation?

    package init(_ message: String, at location: SourceLocation? = nil) {
      self.message = message
      self.location = location
    }
  }

  /// An edit that would mend it.
  package struct Fix: Equatable, Sendable {
    package var range: SourceRange
    package var replacement: String

    package init(range: SourceRange, replacement: String) {
      self.range = range
      self.replacement = replacement
    }
  }

  package var id: DiagnosticID
  package var severity: Severity
  /// One sentence, lower case, no full stop: `no function named 'helo'`.
  package var message: String
  package var location: SourceLocation
  package var notes: [Note]
  /// What to do next, as a sentence: `did you mean 'hello'?`.
  package var hint: String?
  package var fix: Fix?

  package init(
    _ id: DiagnosticID, _ severity: Severity, _ message: String, at location: SourceLocation,
    notes: [Note] = [], hint: String? = nil, fix: Fix? = nil
  ) {
    self.id = id
    self.severity = severity
    self.message = message
    self.location = location
    self.notes = notes
    self.hint = hint
    self.fix = fix
  }
}
