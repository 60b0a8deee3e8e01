// A connection string, and what may be said of it. libpq's own messages quote the part of a string that it cannot
// read, and the host, port or database that it took from it: with a password that is not quoted as it must be, these
// are parts of the password. So a string is looked at before libpq connects, and where it may have been taken apart
// at the wrong place, libpq's message is kept back.

import CPostgres
import Glibc

/// libpq's connection string, in either of its forms. No message shows any of it.
package struct PostgresConnString: Sendable {
  let text: String

  package init(_ text: String) { self.text = text }

  private static let advice =
    "write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE, in the password '@' as %40, '/' as %2F, ':' as %3A, "
    + "'?' as %3F, '%' as %25, or as host=HOST user=USER password='PASSWORD' dbname=DATABASE"

  /// Why it cannot be used; nil when it can. libpq has been opened.
  package var problem: String? {
    var malformed: Int32 = 0
    let port = spacer_pq_conninfo_value(text, "port", &malformed)
    defer { free(port) }
    guard malformed == 0 else { return "the connString is malformed: \(Self.advice)" }
    guard let port else { return nil }
    let ports = String(cString: port).split(separator: ",")
    guard ports.allSatisfy({ UInt16($0).map { $0 > 0 } ?? false }) else {
      return "the port of the connString is not a number from 1 to 65535: \(Self.advice)"
    }
    return nil
  }

  /// A message of libpq's or the server's about connecting, unless it may quote a part of the password.
  package func sayable(_ message: String) -> String {
    guard mayBeMistaken else { return message }
    return
      "the connection failed, and why is not shown, since the password of the connString may have been taken "
      + "for a part of its host or database: \(Self.advice)"
  }

  /// Up to the last '@' of a URI there is more than one user and one password.
  private var mayBeMistaken: Bool {
    guard let scheme = ["postgres://", "postgresql://"].first(where: { text.utf8.starts(with: $0.utf8) }),
      let end = text.utf8.lastIndex(of: UInt8(ascii: "@"))
    else { return false }
    let start = text.utf8.index(text.utf8.startIndex, offsetBy: scheme.utf8.count)
    guard start < end else { return false }
    return text.utf8[start..<end].contains { "@/?".utf8.contains($0) }
  }
}
