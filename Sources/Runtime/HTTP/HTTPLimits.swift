// Every limit and time-out of the HTTP server, with the defaults of the contract. Bytes, milliseconds,
// counts: the unit stands last.

/// How much the server takes from the world, and how long it waits for it.
package struct HTTPOptions: Sendable, BitwiseCopyable {
  /// Whether every request is looked at before it is routed, as under `spacer dev`.
  package var inspectsRequests = false

  // MARK: Limits that an application sets

  /// Connections per worker, up to a million; one more is answered with 503 and closed.
  package var connectionCountMax = 8_192
  /// All header lines of a request together, line ends included; more is 431.
  package var headerBytesMax = 32 * 1_024
  /// The request target; more is 414.
  package var uriBytesMax = 8 * 1_024
  /// The decoded body; more is 413.
  package var bodyBytesMax = 20 * 1_024 * 1_024

  // MARK: Limits of the protocol's details

  /// Header lines of a request; more is 431.
  package var headerCountMax = 128
  /// Chunk extensions of one request together; more is 400.
  package var chunkExtensionBytesMax = 16 * 1_024
  /// Trailer lines of one request together; more is 431.
  package var trailerBytesMax = 8 * 1_024
  /// Memory for large requests and for answers that wait, of all connections together; a body for which
  /// there is no room left is 503.
  package var bufferedBytesMax = 512 * 1_024 * 1_024

  // MARK: Time-outs

  /// From the first byte of a request's head to its last; later is 408.
  package var headerMilliseconds: UInt64 = 15_000
  /// For each `progressBytes` of a body, or what is left of it; later is 408.
  package var bodyMilliseconds: UInt64 = 30_000
  /// Between two requests, and before the first; then the connection is closed.
  package var idleMilliseconds: UInt64 = 75_000
  /// For each `progressBytes` of answers, or what is left of them; then the connection is cut.
  package var writeMilliseconds: UInt64 = 30_000
  /// The progress that renews a body's or an answer's time.
  package var progressBytes = 64 * 1_024
  /// After the last answer of a connection that the client still writes to: how long its bytes are read
  /// and dropped, so that it sees the answer and not a reset.
  package var lingerMilliseconds: UInt64 = 2_000
  /// How many bytes are dropped so.
  package var lingerBytesMax = 1_024 * 1_024
  /// While draining: how long a connection that was accepted but has sent nothing yet is waited for.
  package var drainGraceMilliseconds: UInt64 = 1_000

  package init() {}
}
