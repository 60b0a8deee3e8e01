// What a statement could do to the worker rather than to its own call.

import Foundation
import Testing

@Suite struct DatabaseBoundTests {
  /// libpq gives the result of a COPY again and again until data is copied, which nothing here does.
  @Test(arguments: ["COPY t FROM stdin", "COPY t TO stdout"])
  func copyIsRefusedAndTheWorkerGoesOn(statement: String) throws {
    let served = try DatabaseServer(
      .postgres,
      [
        "make": "db.exec('CREATE TABLE t (id integer)')",
        "copy": "return select(2, pcall(db.exec, '\(statement)')).sqlstate",
        "after": "return db.one('SELECT count(*) AS n FROM t').n",
      ])
    _ = try served.data("make")
    #expect(try served.data("copy") == .string("0A000"))
    #expect(try served.data("after") == .number(0))
  }

  @Test func aTriggersMessageMayBeAnything() throws {
    let served = try DatabaseServer(
      .sqlite,
      [
        "make": """
        db.exec("CREATE TABLE t (id integer)")
        db.exec("CREATE TRIGGER full BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'sold out:'); END")
        """,
        "add": "return select(2, pcall(db.exec, 'INSERT INTO t VALUES (1)')).message",
      ])
    _ = try served.data("make")
    #expect(try served.data("add") == .string("sold out:"))
  }

  /// Rows that hold nothing take memory too.
  @Test(arguments: [
    "SELECT NULL FROM generate_series(1, 5000000)", "SELECT FROM generate_series(1, 9000000)",
  ])
  func manyEmptyRowsAreBounded(statement: String) throws {
    let served = try DatabaseServer(
      .postgres,
      [
        "many": "return select(2, pcall(db.query, '\(statement)')).sqlstate",
        "after": "return db.one('SELECT 1 AS n').n",
      ], limits: "  callMemoryBytes: 16MiB\n")
    #expect(try served.data("many") == .string("54000"))
    #expect(try served.data("after") == .number(1))
  }
}
