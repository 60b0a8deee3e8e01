// A member of a consumer group. The client tells of assignments, commits and errors on one queue and brings
// messages on another, so that the first is heard also while no messages are wanted; both signal one descriptor,
// which `poll` waits for.
//
// A revocation is answered only by `release`: until then the others of the group wait, and the member may commit.
// Commits go one at a time (`KafkaCommits`); `release` and `close` wait for them. An assignment is answered when it
// is known where its partitions begin. A member that did not answer in time was thrown out of the group, which the
// client does not notice while the answer is open: it then loses all and joins anew with another client
// (`KafkaMembership`), so that nothing of before is taken for the present.

import CKafka
import SpacerSystem
import Synchronization

final class KafkaConsumer: GroupConsumer {
  struct Partition {
    var progress: KafkaProgress
    var isRevoking = false
    var isPaused = false
    /// What came when it was paused: the client may have had it on its way.
    var held: [EventRecord] = []
  }

  let group: String
  var membership: KafkaMembership
  let signal: KafkaSignal
  let isWoken = Atomic(false)
  let settings: KafkaSettings
  let options: ConsumerOptions
  let clock: SystemClock
  /// Of the group's topics, by their names in Kafka.
  let topics: [String: String]

  var owned: [TopicPartition: Partition] = [:]
  /// What `release` has to name before the client is answered.
  var revoking: Set<TopicPartition> = []
  /// When the client was last heard, on the monotonic clock.
  var heardMilliseconds: Int64
  /// By then the group has given up waiting for the answer to an assignment or a revocation; nil when none is open.
  var answerByMilliseconds: Int64?
  /// When another client takes the place of one that cannot go on.
  var joinAnewAtMilliseconds: Int64?
  /// An assignment that is not answered yet, and when to try again to.
  var assigning: [TopicPartition]?
  var assignAtMilliseconds = Int64.min
  var released: Set<TopicPartition> = []
  var commits = KafkaCommits()
  /// At least as many as the partitions hold.
  var heldCount = 0
  /// Told at the next poll.
  var notices: [ConsumerNotice] = []
  var failure: EventLogError?
  var isClosed = false

  /// How long `release` and `close` wait for commits and for the group.
  static let leaveMilliseconds = 3_000
  static let assignRetryMilliseconds: Int64 = 500
  static let rejoinMilliseconds: Int64 = 1_000

  /// - Parameter topics: Names by the topics' names in Kafka.
  init(
    _ settings: KafkaSettings, group: String, topics: [String: String], options: ConsumerOptions,
    clock: SystemClock = .machine
  ) throws(EventLogError) {
    self.settings = settings
    self.options = options
    self.topics = topics
    self.clock = clock
    self.group = group
    heardMilliseconds = clock.monotonicMilliseconds()
    signal = try KafkaSignal()
    membership = try KafkaMembership(settings, group: group, topics.keys.sorted(), options, signal)
  }

  deinit { close() }

  // What it is told

  func poll(limit: Int, waitMilliseconds: Int) throws(EventLogError) -> [ConsumerNotice] {
    let deadline = clock.monotonicMilliseconds() + Int64(waitMilliseconds)
    while true {
      if isClosed { throw EventLogError(.unavailable, "the consumer is closed") }
      takeControl()
      sendCommits()
      var told = notices
      notices = []
      let events = limit > 0 ? takeMessages(limit) : []
      if !events.isEmpty { told.append(.events(events)) }
      if !told.isEmpty { return told }
      if !notices.isEmpty { continue }
      if let failure {
        self.failure = nil
        throw failure
      }
      let now = clock.monotonicMilliseconds()
      if isWoken.exchange(false, ordering: .acquiringAndReleasing) || now >= deadline { return [] }
      let next = min(
        commits.nextMilliseconds ?? deadline, assigning == nil ? deadline : assignAtMilliseconds,
        joinAnewAtMilliseconds ?? deadline)
      signal.wait(milliseconds: Int(min(deadline, max(now + 1, next)) - now))
    }
  }

  func wake() {
    isWoken.store(true, ordering: .releasing)
    signal.send()
  }

  /// Takes what the client has to tell, without waiting.
  func takeControl() {
    while let event = spacer_kafka_queue_poll(membership.control, 0) {
      take(event)
      spacer_kafka_event_destroy(event)
    }
    answerAssignment()
    let now = clock.monotonicMilliseconds()
    if let end = joinAnewAtMilliseconds ?? answerByMilliseconds, now >= end { joinAnew() }
    heardMilliseconds = now
  }

  /// Loses everything, to become a new member after a while. Not here and now: the event that told the reason
  /// belongs to the client that goes.
  func joinAnew(inMilliseconds delay: Int64) {
    loseAll()
    joinAnewAtMilliseconds = clock.monotonicMilliseconds() + delay
  }

  private func loseAll() {
    let lost = owned.keys.sorted()
    forget(lost)
    assigning = nil
    answerByMilliseconds = nil
    if !lost.isEmpty { notices.append(.lost(lost)) }
  }

  /// Loses everything and becomes a new member.
  private func joinAnew() {
    loseAll()
    joinAnewAtMilliseconds = nil
    do throws(EventLogError) {
      membership = try KafkaMembership(settings, group: group, topics.keys.sorted(), options, signal)
    } catch {
      // No thread or descriptor to be had.
      joinAnewAtMilliseconds = clock.monotonicMilliseconds() + Self.rejoinMilliseconds
      failure = error
    }
  }

  func take(_ event: OpaquePointer) {
    switch spacer_kafka_event_type(event) {
    case RD_KAFKA_EVENT_REBALANCE:
      guard joinAnewAtMilliseconds == nil, let list = spacer_kafka_event_partitions(event) else { return }
      let partitions = KafkaPartitions(copying: list)
      if spacer_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS.rawValue {
        assign(partitions)
      } else {
        revoke(partitions)
      }
    case RD_KAFKA_EVENT_OFFSET_COMMIT: takeCommit(event)
    case RD_KAFKA_EVENT_ERROR:
      fail(spacer_kafka_event_error(event), KafkaText.sentence(spacer_kafka_event_error_string(event)))
      // The client does nothing any more.
      if spacer_kafka_event_error_is_fatal(event) != 0 { joinAnew(inMilliseconds: Self.rejoinMilliseconds) }
    default: break
    }
  }

  /// Keeps an error for the next poll, unless the client gets over it by itself and tells of it otherwise.
  func fail(_ code: Int32, _ text: String) {
    switch rd_kafka_resp_err_t(code) {
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, RD_KAFKA_RESP_ERR__PARTITION_EOF: break
    default: failure = KafkaErrors.error(code, "be read", text)
    }
  }

  // Messages

  func takeMessages(_ limit: Int) -> [EventRecord] {
    var events = takeHeld(limit)
    while events.count < limit, let event = spacer_kafka_queue_poll(membership.messages, 0) {
      defer { spacer_kafka_event_destroy(event) }
      guard spacer_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH else {
        take(event)
        continue
      }
      var record = spacer_kafka_record()
      guard spacer_kafka_event_record(event, &record) != 0 else { continue }
      if record.error != 0 {
        fail(record.error, KafkaText.sentence(record.error_text))
        continue
      }
      guard let topic = topics[KafkaText.string(record.topic)] else { continue }
      let place = TopicPartition(topic: topic, partition: record.partition)
      // In place: a copy of the partition would share what it holds.
      guard let index = owned.index(forKey: place), !owned.values[index].isRevoking else { continue }
      switch owned.values[index].progress.take(record.offset) {
      case .new: break
      case .repeated: continue
      case .wentBack:
        beginAnew(place, KafkaReader.Message(record).event(topic: topic))
        return events
      }
      let read = KafkaReader.Message(record).event(topic: topic)
      if owned.values[index].isPaused || !owned.values[index].held.isEmpty {
        owned.values[index].held.append(read)
        heldCount += 1
      } else {
        events.append(read)
      }
    }
    return events
  }

  /// The log of a partition went back: all of it is taken for new, from `first` on, which comes when that was told.
  private func beginAnew(_ place: TopicPartition, _ first: EventRecord) {
    guard let old = owned[place] else { return }
    heldCount += 1
    owned[place] = Partition(progress: old.progress, held: [first])
    commits.assigned(place, next: nil)
    if old.isPaused { _ = membership.withClient(list([place]), spacer_kafka_resume_partitions) }
    notices += [.lost([place]), .assigned([place])]
  }

  func takeHeld(_ limit: Int) -> [EventRecord] {
    guard heldCount > 0 else { return [] }
    var events: [EventRecord] = []
    heldCount = 0
    for (place, partition) in owned where !partition.held.isEmpty {
      let taken = partition.isPaused ? 0 : min(limit - events.count, partition.held.count)
      events += partition.held.prefix(taken)
      owned[place]?.held.removeFirst(taken)
      heldCount += partition.held.count - taken
      if taken > 0, taken == partition.held.count {
        _ = membership.withClient(list([place]), spacer_kafka_resume_partitions)
      }
    }
    return events
  }

  // The end

  func close() {
    if isClosed { return }
    isClosed = true
    waitForCommits { $0.isIdle }
    if !revoking.isEmpty {
      _ = membership.withClient(list(revoking), spacer_kafka_incremental_unassign)
    }
    // What is taken over now would only be given back.
    if assigning != nil {
      _ = membership.withClient(KafkaPartitions(capacity: 0), spacer_kafka_incremental_assign)
    }
    forget(Array(owned.keys))
    membership.leave(milliseconds: Self.leaveMilliseconds, clock)
  }
}
