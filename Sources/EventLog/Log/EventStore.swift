// What a storage driver does. One behaviour, whichever driver: the conformance suite in Tests/EventLogTests runs
// against all of them.
//
// Partitions: on Kafka they are Kafka's. On memory, SQLite and PostgreSQL a topic is one sequence of offsets and
// an event's partition is computed from its key (`KeyPartition`), so that the number of partitions may change.

/// How a topic is made and kept.
package struct TopicDefinition: Equatable, Sendable {
  package static let partitionCountDefault: Int32 = 16

  package var name: String
  package var partitionCount: Int32
  /// How long events are kept, in milliseconds; nil for ever.
  package var retentionMilliseconds: Int64?

  package init(
    name: String, partitionCount: Int32 = TopicDefinition.partitionCountDefault,
    retentionMilliseconds: Int64? = nil
  ) {
    self.name = name
    self.partitionCount = partitionCount
    self.retentionMilliseconds = retentionMilliseconds
  }
}

/// What a storage promises beyond the rest.
package struct StorePromises: Equatable, Sendable {
  /// The entries of one append are all there or none.
  package var isAtomic: Bool
  /// An id given to an append is appended once.
  package var dropsDuplicates: Bool
  /// Survives the end of the process.
  package var isDurable: Bool
  /// Several processes can be members of one group.
  package var isShared: Bool

  package init(isAtomic: Bool, dropsDuplicates: Bool, isDurable: Bool, isShared: Bool) {
    self.isAtomic = isAtomic
    self.dropsDuplicates = dropsDuplicates
    self.isDurable = isDurable
    self.isShared = isShared
  }
}

/// Where reading begins.
package enum ReadStart: Equatable, Sendable {
  /// The oldest event there is.
  case beginning
  /// After the newest event there is.
  case end
  /// The first event with this offset or a later one; on Kafka in every partition.
  case offset(Int64)
  /// The first event appended then or later, in milliseconds since 1970.
  case time(Int64)
}

/// How far a reader has come in one topic: the next offset to read by partition. A topic with one sequence of
/// offsets uses partition 0 only. Its text, `0:42,1:17`, is for storing it.
package struct ReadPosition: Equatable, Sendable, CustomStringConvertible {
  package var next: [Int32: Int64]

  package init(next: [Int32: Int64] = [:]) { self.next = next }

  package init?(_ text: String) {
    next = [:]
    for part in text.split(separator: ",") {
      let numbers = part.split(separator: ":", omittingEmptySubsequences: false)
      guard numbers.count == 2, let partition = Int32(numbers[0]), let offset = Int64(numbers[1]),
        partition >= 0, offset >= 0
      else { return nil }
      next[partition] = offset
    }
  }

  package var description: String {
    next.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: ",")
  }
}

/// What is known of a topic without reading it.
package struct TopicStatus: Equatable, Sendable {
  package var topic: String
  package var partitionCount: Int32
  /// The oldest event's offset by partition (0 only where there is one sequence); absent when there is none.
  package var first: [Int32: Int64]
  /// One after the newest event's.
  package var end: [Int32: Int64]

  package init(topic: String, partitionCount: Int32, first: [Int32: Int64], end: [Int32: Int64]) {
    self.topic = topic
    self.partitionCount = partitionCount
    self.first = first
    self.end = end
  }
}

/// How far a group has come in one partition.
package struct GroupPartitionStatus: Equatable, Sendable {
  package var topicPartition: TopicPartition
  /// The last offset all events up to which are done; -1 for none.
  package var done: Int64
  /// The newest event's offset in the partition, or in the topic where there is one sequence; -1 for none.
  package var newest: Int64
  /// Offsets between them: an upper bound of the events that wait, since offsets have gaps.
  package var lag: Int64
  /// The member that owns it now; nil when none does.
  package var owner: String?

  package init(topicPartition: TopicPartition, done: Int64, newest: Int64, lag: Int64, owner: String? = nil) {
    self.topicPartition = topicPartition
    self.done = done
    self.newest = newest
    self.lag = lag
    self.owner = owner
  }
}

/// Small keyed records beside the log.
package enum RecordTable: String, CaseIterable, Sendable {
  /// Events that a handler failed on for good. The key begins with the group.
  case deadLetters
  /// What operators and the runtime note: paused triggers, progress of replays, last runs of schedules.
  case controls
}

/// One record of a `RecordTable`.
package struct StoredRecord: Equatable, Sendable {
  /// UTF-8 without NUL; ordered by bytes.
  package var key: String
  /// JSON.
  package var value: [UInt8]

  package init(key: String, value: [UInt8]) {
    self.key = key
    self.value = value
  }
}

/// A storage of events. Methods may be called from any thread; all but `append` and `close` may block for as long
/// as the storage takes, bounded by the driver's own time-outs.
package protocol EventStore: AnyObject, Sendable {
  var promises: StorePromises { get }

  /// Connects, and creates or upgrades what is missing. Once, before anything else; on memory and PostgreSQL again,
  /// with other topics, at any time. `topics` are those that will
  /// be used; a missing one is created.
  /// - Throws: `unavailable`, `unknownTopic`, `incompatible`, `failed`.
  func open(_ topics: [TopicDefinition]) throws(EventLogError)

  /// Takes events to append; never blocks. What was handed in completes, with success or an error, also when the
  /// store is closed.
  func append(_ append: PendingAppend)

  /// The position of `start` in a topic.
  func position(_ topic: String, _ start: ReadStart) throws(EventLogError) -> ReadPosition
  /// The next events of a topic, at most `limit`, and moves `position` behind them. In the order of offsets;
  /// on Kafka in that order within each partition. An event whose transaction commits late is not skipped.
  /// - Parameter waitMilliseconds: How long to wait when there is none.
  func read(
    _ topic: String, _ position: inout ReadPosition, limit: Int, waitMilliseconds: Int
  ) throws(EventLogError) -> [EventRecord]

  /// Joins `group`. The member owns partitions of `topics` only as `GroupConsumer.poll` tells it.
  func join(
    group: String, topics: [String], options: ConsumerOptions
  ) throws(EventLogError) -> any GroupConsumer

  func status(ofTopic topic: String) throws(EventLogError) -> TopicStatus
  /// Groups that ever committed, sorted.
  func groups() throws(EventLogError) -> [String]
  /// By topic and partition, for the topics given to `open`.
  func status(ofGroup group: String) throws(EventLogError) -> [GroupPartitionStatus]

  /// Records whose key begins with `prefix`, in order of keys, after the key `after`.
  func records(
    _ table: RecordTable, prefix: String, after: String?, limit: Int
  ) throws(EventLogError) -> [StoredRecord]
  /// Writes records, durably; one with the same key is replaced.
  func put(_ table: RecordTable, _ records: [StoredRecord]) throws(EventLogError)
  /// Removes records, durably; absent ones are none.
  func remove(_ table: RecordTable, keys: [String]) throws(EventLogError)

  /// Removes events of a topic that are older than its retention; returns how many, if known. Kafka does it alone.
  @discardableResult
  func trim(_ topic: TopicDefinition) throws(EventLogError) -> Int

  /// Ends: appends handed in complete, consumers are closed first by their owners. Blocks.
  func close()
}

/// How a member of a group behaves.
package struct ConsumerOptions: Equatable, Sendable {
  /// Names the member in `GroupPartitionStatus.owner`; unique in the group.
  package var memberID: String
  /// Without a sign of life for this long the others take its partitions over.
  package var leaseMilliseconds: Int
  /// Where a group begins that never committed.
  package var start: ReadStart

  package init(memberID: String, leaseMilliseconds: Int = 6_000, start: ReadStart = .beginning) {
    self.memberID = memberID
    self.leaseMilliseconds = leaseMilliseconds
    self.start = start
  }
}

/// What a member of a group is told.
package enum ConsumerNotice: Equatable, Sendable {
  /// The partitions are the member's now. Their events follow, after what the group has done.
  case assigned([TopicPartition])
  /// They will go to another member. Their events stop; the member finishes what it began, commits, and then
  /// calls `release`.
  case revoking([TopicPartition])
  /// They are another's already: nothing of them can be committed any more.
  case lost([TopicPartition])
  /// In order within each partition; all of partitions that are the member's.
  case events([EventRecord])
}

/// A member of a consumer group. All methods but `wake` are called from one thread.
package protocol GroupConsumer: AnyObject {
  /// Waits until there is something to tell, `wake` was called, or the time is over. Also keeps the member alive,
  /// so it is called again within a third of the lease.
  /// - Parameter limit: The most events to bring; 0 for none.
  /// - Throws: `unavailable` and its kin: the caller waits and calls again; what it owns may be lost meanwhile.
  func poll(limit: Int, waitMilliseconds: Int) throws(EventLogError) -> [ConsumerNotice]
  /// Notes that all events of each partition up to and including the offset are done. An offset below an earlier
  /// one is ignored. Durability may lag behind: events may then come again after a crash.
  /// - Throws: `fenced` when a partition is not the member's any more: it is told with `lost` at the next poll.
  func commit(_ done: [TopicPartition: Int64]) throws(EventLogError)
  /// Brings no more events of these partitions until `resume`. Events that were on their way are kept here.
  func pause(_ partitions: [TopicPartition])
  func resume(_ partitions: [TopicPartition])
  /// Gives partitions back that are being revoked.
  func release(_ partitions: [TopicPartition]) throws(EventLogError)
  /// Has a waiting `poll` return soon. From any thread.
  func wake()
  /// Leaves the group; others may take over at once.
  func close()
}
