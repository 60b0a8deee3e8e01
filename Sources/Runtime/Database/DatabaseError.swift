// What a statement failed with: PostgreSQL's own fields, or ours in the same form, so that code can branch on
// the SQLSTATE whichever driver is below.

/// A failed statement.
struct DatabaseError: Error, Equatable, Sendable {
  /// SQLSTATEs that are given here and not by a server.
  enum State {
    static let cannotConnect = "08001"
    static let connectionLost = "08006"
    static let outcomeUnknown = "08007"
    static let notSupported = "0A000"
    static let transactionState = "25000"
    static let rolledBack = "40000"
    static let syntax = "42601"
    static let noConnectionFree = "53300"
    static let resultTooLarge = "54000"
    static let lockNotAvailable = "55P03"
    static let cancelled = "57014"
    static let general = "58000"
    static let parameterCount = "08P01"
  }

  var message: String
  var sqlstate: String
  var detail: String?
  var hint: String?
  var constraint: String?
  var table: String?
  var column: String?
  /// The character in the statement, from 1.
  var position: Int?
  /// The connection is of no more use.
  var isFatal = false
  /// The prepared statement is out of date, and nothing was run.
  var isStalePlan = false

  init(_ message: String, sqlstate: String) {
    self.message = message
    self.sqlstate = sqlstate
  }

  static func == (left: DatabaseError, right: DatabaseError) -> Bool {
    left.message == right.message && left.sqlstate == right.sqlstate
  }
}
