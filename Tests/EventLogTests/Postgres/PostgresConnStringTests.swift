import CPostgres
import SpacerTestSupport
import Testing

@testable import SpacerEventLog

/// No message shows a part of a connection string that may be a part of its password.
@Suite struct PostgresConnStringTests {
  private static let malformed = [
    "host=127.0.0.1 password=begin s3cret", "password='s3cret", "postgres://u:s3cret%zz@127.0.0.1:1/x",
    "postgres:/u:s3cret@127.0.0.1:1/x", "s3cret", "postgres://u:s3cret",
    "postgres://u:s3cret/x@127.0.0.1:1/x",
    "postgres://u:a?s3cret@127.0.0.1:1/x", "password=x s3cret=y",
  ]

  @Test(arguments: malformed)
  func aMalformedOneIsSaidWithoutItsText(_ connString: String) throws {
    let store = PostgresStore(connString: connString)
    defer { store.close() }
    let error = try #require(throws: EventLogError.self) { try store.open(Bench.topics) }
    #expect(error.message.contains("the connString"), "\(error.message)")
    #expect(error.message.contains("%40"), "it says how it is written: \(error.message)")
    #expect(!error.message.contains("s3cret"), "\(error.message)")
  }

  /// libpq takes what follows the first '@' for a host's name, or what follows '/' for a database's.
  @Test func aPasswordThatIsTakenForSomethingElseIsNotShown() throws {
    let port = try PostgresPlace.server.get().port
    for connString in [
      "postgres://u:x@s3cret@127.0.0.1:1/x", "postgres://postgres@localhost:\(port)/s3cret@127.0.0.1/x",
    ] {
      let store = PostgresStore(connString: connString)
      defer { store.close() }
      let error = try #require(throws: EventLogError.self) { try store.open(Bench.topics) }
      #expect(error.code == .unavailable)
      #expect(!error.message.contains("s3cret"), "\(error.message)")
    }
  }

  @Test func whatIsRightIsTaken() {
    #expect(spacer_pq_open() == nil)
    for text in [
      "postgres://u:p%40s%2Fs@h:5432/d?sslmode=disable", "postgresql://h1:1,h2:65535/d",
      "host=h password='a b'",
      "", "postgres://[::1]:5432/d", "host=a,b port=1,",
    ] {
      let connString = PostgresConnString(text)
      #expect(connString.problem == nil, "\(text)")
      #expect(connString.sayable("why") == "why", "\(text)")
    }
  }
}
