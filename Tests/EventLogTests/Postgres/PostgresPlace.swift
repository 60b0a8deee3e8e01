import SpacerSystem
import SpacerTestSupport
import Synchronization
import Testing

@testable import SpacerEventLog

/// A database of one test's own on a server that all of them share.
final class PostgresPlace: StorePlace {
  /// Has room for many stores, and for prepared transactions.
  static let server = Result {
    try PostgresServer(["max_connections = 300", "max_prepared_transactions = 5"])
  }
  private static let databaseCount = Atomic(0)

  let traits = StoreTraits(sharesWork: true)
  let server: PostgresServer
  let database: String

  init(_ server: PostgresServer? = nil) throws {
    self.server = try server ?? Self.server.get()
    database = "events\(Self.databaseCount.wrappingAdd(1, ordering: .relaxed).newValue)"
    try self.server.sql("CREATE DATABASE \(database)")
  }

  var connString: String { "postgres://postgres@localhost:\(server.port)/\(database)" }

  func makeStore() throws -> any EventStore { PostgresStore(connString: connString) }

  func makeOlder(topic: String, milliseconds: Int64) throws {
    try sql(
      "UPDATE topic_\(topic.lowercased()) SET created_at = created_at - \(milliseconds) * interval '1 millisecond'"
    )
  }

  @discardableResult
  func sql(_ text: String) throws -> String { try server.sql(text, database: database) }

  /// A connection that can hold a transaction open.
  func session() throws -> Session {
    let session = PostgresSession(connString: connString, clock: .machine)
    try session.connect()
    try session.script("SET idle_in_transaction_session_timeout = 0")
    return Session(session)
  }

  struct Session {
    let raw: PostgresSession
    init(_ raw: PostgresSession) { self.raw = raw }

    func run(_ sql: String) throws { try raw.script(sql) }

    /// Inserts as the original does, and gives the offset.
    func insert(_ topic: String, key: String, value: String) throws -> Int64 {
      let rows = try raw.run(
        "INSERT INTO topic_\(topic) (key, value) VALUES ('\(key)', '\(value)') RETURNING msg_offset")
      return try #require(rows.number(0, 0))
    }
  }
}

extension StoreUnderTest {
  static let postgres = StoreUnderTest(name: "postgres") { try PostgresPlace() }
}
