// What a run of a handler came to and would have done, as values.

import SpacerEventLog

/// An event that would have been appended.
package struct CapturedAppend: Equatable, Sendable {
  package var topic: String
  package var key: String
  /// JSON, as `CanonicalJSON` writes it.
  package var payload: String
  package var id: String?

  package init(topic: String, key: String, payload: String, id: String? = nil) {
    self.topic = topic
    self.key = key
    self.payload = payload
    self.id = id
  }
}

/// A statement that would have changed a database.
package struct CapturedStatement: Equatable, Sendable {
  package var database: String
  package var sql: String
  /// JSON, each.
  package var parameters: [String]

  package init(database: String, sql: String, parameters: [String]) {
    self.database = database
    self.sql = sql
    self.parameters = parameters
  }
}

/// A request that would have been sent.
package struct CapturedRequest: Equatable, Sendable {
  package var method: String
  /// Without user and password.
  package var url: String
  /// `name: value`, sorted; of those that may hold a secret the name alone.
  package var headers: [String]
  /// Text, as it is; of JSON as `CanonicalJSON` writes it. Nil for none.
  package var body: String?

  package init(method: String, url: String, headers: [String], body: String?) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// How a run ended.
package enum CapturedOutcome: Equatable, Sendable {
  /// `returned` is JSON; nil for nothing.
  case done(returned: String?)
  /// `error()`.
  case failed(String)
  /// `return nil, err`.
  case refused(String)
  case timedOut
  /// The trigger's filter does not want the event: the handler was not run.
  case filteredOut

  package var word: String {
    switch self {
    case .done: "done"
    case .failed: "failed"
    case .refused: "refused"
    case .timedOut: "timed out"
    case .filteredOut: "filtered out"
    }
  }
}

/// One run of one function for one event.
package struct CapturedRun: Equatable, Sendable {
  package var outcome: CapturedOutcome
  package var appends: [CapturedAppend] = []
  package var statements: [CapturedStatement] = []
  package var requests: [CapturedRequest] = []

  package init(outcome: CapturedOutcome) { self.outcome = outcome }
}
