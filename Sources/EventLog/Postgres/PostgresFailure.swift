// Why a statement was not done, with what that says about its effect.

/// A failure of one statement.
struct PostgresFailure: Error {
  enum Kind: Equatable {
    /// There was no connection to send it on: it was not done.
    case notSent
    /// The connection or the time ended after it had been sent: it may have been done.
    case lost
    /// The server refused it, with this SQLSTATE: it was not done.
    case refused(String)
  }

  var kind: Kind
  /// One line, without values.
  var message: String

  init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The SQLSTATE of a refusal; empty for others.
  var state: String { if case .refused(let state) = kind { state } else { "" } }

  static let uniqueViolation = "23505"
  /// Not SQLSTATEs: libpq cannot be loaded; the connection string cannot be read.
  static let library = "LIBPQ"
  static let connString = "CONNSTRING"

  /// The statement was prepared for something that has changed since, or the server forgot it.
  var isStalePlan: Bool { state == "26000" || state == "0A000" }

  /// The server could not do it now; this connection will not do it later either.
  var endsConnection: Bool {
    // Admin shutdown, crash shutdown, starting up; a server that has become a standby.
    state.hasPrefix("57P") || state.hasPrefix("08") || state == "25006"
  }

  /// Two transactions came in each other's way: the same again may succeed.
  var isConflict: Bool { state == "40P01" || state == "40001" }

  /// For callers that may simply ask again.
  var error: EventLogError {
    switch kind {
    case .notSent, .lost: return EventLogError(.unavailable, "PostgreSQL cannot be reached: \(message)")
    case .refused(let state):
      if endsConnection || isConflict || isStalePlan || state.hasPrefix("53") && state != "53100"
        || state == "57014"
        || state == "55P03"
      {
        return EventLogError(.unavailable, "PostgreSQL cannot do it now: \(message)")
      }
      switch state {
      case Self.library: return EventLogError(.incompatible, message)
      case Self.connString: return EventLogError(.failed, message)
      case "53100": return EventLogError(.full, "PostgreSQL has no place left: \(message)")
      case "54000", "22001": return EventLogError(.tooLarge, "PostgreSQL refused it: \(message)")
      case "42P01": return EventLogError(.unknownTopic, "PostgreSQL has no such table: \(message)")
      case "42501":
        return EventLogError(.failed, "PostgreSQL's user lacks a privilege: \(message)")
      default: return EventLogError(.failed, "PostgreSQL refused it: \(message) (\(state))")
      }
    }
  }
}
