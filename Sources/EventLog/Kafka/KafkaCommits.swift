// What is to be committed, what is on its way and what the cluster has. A value: one commit is on its way at a
// time, later ones wait and go together; an offset never goes back.

/// The commits of a member. Offsets are Kafka's: of the next event to do.
struct KafkaCommits {
  private var committed: [TopicPartition: Int64] = [:]
  private var wanted: [TopicPartition: Int64] = [:]
  private var sent: [TopicPartition: Int64] = [:]
  /// A request is on its way, though all that was in it may have been dropped.
  private var isOnItsWay = false
  /// Before this time nothing is sent, after a failure.
  private var notBeforeMilliseconds = Int64.min

  private static let retryMilliseconds: Int64 = 200

  var isIdle: Bool { wanted.isEmpty && !isOnItsWay }
  var isSending: Bool { isOnItsWay }

  /// Nothing of these partitions is on its way any more, or waits to be.
  func isIdle(_ partitions: some Sequence<TopicPartition>) -> Bool {
    partitions.allSatisfy { wanted[$0] == nil && sent[$0] == nil }
  }

  /// The member owns a partition, of which the group has committed `next`.
  mutating func assigned(_ partition: TopicPartition, next: Int64?) {
    drop(partition)
    committed[partition] = next
  }

  /// The member owns the partition no more.
  mutating func drop(_ partition: TopicPartition) {
    committed[partition] = nil
    wanted[partition] = nil
    sent[partition] = nil
  }

  mutating func want(_ partition: TopicPartition, next: Int64) {
    let newest = max(committed[partition] ?? -1, wanted[partition] ?? -1, sent[partition] ?? -1)
    if next > newest { wanted[partition] = next }
  }

  /// What to send now, if anything.
  mutating func take(nowMilliseconds now: Int64) -> [TopicPartition: Int64]? {
    guard !isOnItsWay, !wanted.isEmpty, now >= notBeforeMilliseconds else { return nil }
    sent = wanted
    wanted = [:]
    isOnItsWay = true
    return sent
  }

  /// When `take` may have something, if that is a matter of time.
  var nextMilliseconds: Int64? { !isOnItsWay && !wanted.isEmpty ? notBeforeMilliseconds : nil }

  enum Outcome {
    case committed
    /// Will be tried again.
    case failed
    /// Another member has the partition.
    case refused
  }

  /// The answer to what was taken.
  mutating func answered(nowMilliseconds now: Int64, _ outcome: (TopicPartition) -> Outcome) {
    for (partition, next) in sent {
      switch outcome(partition) {
      case .committed: committed[partition] = max(next, committed[partition] ?? -1)
      case .failed:
        wanted[partition] = max(next, wanted[partition] ?? -1)
        notBeforeMilliseconds = now + Self.retryMilliseconds
      case .refused: if wanted[partition] ?? -1 <= next { wanted[partition] = nil }
      }
    }
    sent = [:]
    isOnItsWay = false
  }
}
