// Takes appends for PostgreSQL and hands them to the queue whose thread commits them together.

import SpacerSystem

/// Usable from every thread.
final class PostgresAppender: Sendable {
  private let topics: @Sendable (String) -> PostgresTopic?
  private let queue: AppendQueue

  /// - Parameter topics: Finds a topic that was opened.
  init(connString: String, clock: SystemClock, topics: @escaping @Sendable (String) -> PostgresTopic?) {
    self.topics = topics
    let committer = PostgresCommitter(connString: connString, clock: clock, topics: topics)
    queue = AppendQueue(name: "pg-append", clock: clock) { committer.commit($0) }
    committer.queue = queue
  }

  func append(_ append: PendingAppend) {
    if let refusal = refusal(append.request) { return append.complete(.failure(refusal)) }
    queue.submit(append)
  }

  private func refusal(_ request: AppendRequest) -> EventLogError? {
    if topics(request.topic) == nil { return .unknownTopic(request.topic) }
    if request.entries.isEmpty { return EventLogError(.failed, "an append needs at least one event") }
    if request.byteCount > PostgresLimits.requestBytesMax {
      return EventLogError(
        .tooLarge, "an append may have \(PostgresLimits.requestBytesMax) bytes, this has \(request.byteCount)"
      )
    }
    if request.entries.contains(where: { ($0.id?.utf8.count ?? 0) > PostgresLimits.idBytesMax }) {
      return EventLogError(.tooLarge, "an event's id may have \(PostgresLimits.idBytesMax) bytes")
    }
    return nil
  }

  /// Blocks until all that was handed in has completed.
  func close() { queue.close() }
}
