// The first thing that is wrong with a file, as the lexer and parser found it. It is kept in the lexer and
// signalled by an empty error, so that the many functions that can fail stay cheap to call.

/// Thrown once `Lexer.failure` says why.
struct SyntaxAbort: Error {}

/// A diagnostic without its path.
struct SyntaxFailure: Sendable {
  var id = DiagnosticID.syntaxError
  var message: String
  var range: SourceRange
  var notes: [(message: String, range: SourceRange)] = []
  var hint: String?
  var fix: Diagnostic.Fix?

  func diagnostic(path: String) -> Diagnostic {
    Diagnostic(
      id, .error, message, at: SourceLocation(path: path, range: range),
      notes: notes.map { .init($0.message, at: SourceLocation(path: path, range: $0.range)) },
      hint: hint, fix: fix)
  }
}
