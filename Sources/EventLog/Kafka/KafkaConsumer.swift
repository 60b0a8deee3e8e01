// A member of a consumer group. The client tells of assignments, commits and errors on one queue and brings
// messages on another, so that the first is heard also while no messages are wanted; both signal one descriptor,
// which `poll` waits for.
//
// A revocation is answered only by `release`: until then the others of the group wait, and the member may commit.
// Commits go one at a time (`KafkaCommits`); `release` and `close` wait for them.

import CKafka
import SpacerSystem
import Synchronization

final class KafkaConsumer: GroupConsumer {
  private struct Partition {
    /// Offsets below were brought already.
    var next: Int64 = 0
    var isRevoking = false
  }

  private let client: KafkaClient
  private let control: OpaquePointer
  private let messages: OpaquePointer
  private let signal: KafkaSignal
  private let isWoken = Atomic(false)
  private let settings: KafkaSettings
  private let options: ConsumerOptions
  private let clock: SystemClock
  /// Of the group's topics, by their names in Kafka.
  private let topics: [String: String]

  private var owned: [TopicPartition: Partition] = [:]
  /// What `release` has to name before the client is answered.
  private var revoking: Set<TopicPartition> = []
  private var released: Set<TopicPartition> = []
  private var commits = KafkaCommits()
  /// Told at the next poll.
  private var notices: [ConsumerNotice] = []
  private var failure: EventLogError?
  private var isClosed = false

  /// How long `release` and `close` wait for commits and for the group.
  private static let leaveMilliseconds = 3_000

  /// - Parameter topics: Names by the topics' names in Kafka.
  init(
    _ settings: KafkaSettings, group: String, topics: [String: String], options: ConsumerOptions,
    clock: SystemClock = .machine
  ) throws(EventLogError) {
    self.settings = settings
    self.options = options
    self.topics = topics
    self.clock = clock
    signal = try KafkaSignal()
    client = try KafkaClient(
      RD_KAFKA_CONSUMER, settings.configuration(.consumer(group: group, options)),
      events: RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR)
    _ = spacer_kafka_poll_set_consumer(client.handle)
    guard let control = spacer_kafka_queue_get_consumer(client.handle),
      let messages = spacer_kafka_queue_new(client.handle)
    else { throw EventLogError(.failed, "Kafka's client has no queue") }
    self.control = control
    self.messages = messages
    spacer_kafka_queue_signal(control, signal.descriptor)
    spacer_kafka_queue_signal(messages, signal.descriptor)
    let list = KafkaPartitions(capacity: topics.count)
    for name in topics.keys.sorted() { list.add(name, RD_KAFKA_PARTITION_UA) }
    let code = spacer_kafka_subscribe(client.handle, list.handle)
    if code != 0 {
      close()
      throw KafkaErrors.error(code, "join the group \(group)")
    }
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
      if let failure {
        self.failure = nil
        throw failure
      }
      let now = clock.monotonicMilliseconds()
      if isWoken.exchange(false, ordering: .acquiringAndReleasing) || now >= deadline { return [] }
      let end = min(deadline, max(now + 1, commits.nextMilliseconds ?? deadline))
      signal.wait(milliseconds: Int(end - now))
    }
  }

  func wake() {
    isWoken.store(true, ordering: .releasing)
    signal.send()
  }

  /// Takes what the client has to tell, without waiting.
  private func takeControl() {
    while let event = spacer_kafka_queue_poll(control, 0) {
      take(event)
      spacer_kafka_event_destroy(event)
    }
    // While a revocation is not answered, the client does not tell that it is too late.
    if !revoking.isEmpty, spacer_kafka_assignment_lost(client.handle) != 0 { lose(Array(revoking)) }
  }

  private func take(_ event: OpaquePointer) {
    switch spacer_kafka_event_type(event) {
    case RD_KAFKA_EVENT_REBALANCE:
      guard let list = spacer_kafka_event_partitions(event) else { return }
      let partitions = KafkaPartitions(copying: list)
      if spacer_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS.rawValue {
        assign(partitions)
      } else {
        revoke(partitions)
      }
    case RD_KAFKA_EVENT_OFFSET_COMMIT: takeCommit(event)
    case RD_KAFKA_EVENT_ERROR:
      fail(spacer_kafka_event_error(event), KafkaText.sentence(spacer_kafka_event_error_string(event)))
    default: break
    }
  }

  /// Keeps an error for the next poll, unless the client gets over it by itself and tells of it otherwise.
  private func fail(_ code: Int32, _ text: String) {
    switch rd_kafka_resp_err_t(code) {
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, RD_KAFKA_RESP_ERR__PARTITION_EOF: break
    default: failure = KafkaErrors.error(code, "be read", text)
    }
  }

  // Partitions

  private func topicPartition(_ list: borrowing KafkaPartitions, _ index: Int) -> TopicPartition? {
    topics[list.topic(index)].map { TopicPartition(topic: $0, partition: list.partition(index)) }
  }

  private func topicPartitions(_ list: borrowing KafkaPartitions) -> [TopicPartition] {
    (0..<list.count).compactMap { topicPartition(list, $0) }.sorted()
  }

  private func list(_ partitions: some Collection<TopicPartition>) -> KafkaPartitions {
    let list = KafkaPartitions(capacity: partitions.count)
    for place in partitions { list.add(settings.kafkaName(place.topic), place.partition) }
    return list
  }

  private func assign(_ partitions: borrowing KafkaPartitions) {
    for index in 0..<partitions.count {
      _ = spacer_kafka_forward_partition(
        client.handle, partitions.topic(index), partitions.partition(index), messages)
    }
    let resolved = resolveStarts(partitions)
    let code = spacer_kafka_incremental_assign(client.handle, partitions.handle)
    if code != 0 {
      failure = KafkaErrors.error(code, "assign partitions")
      return
    }
    for index in 0..<partitions.count {
      guard let place = topicPartition(partitions, index) else { continue }
      owned[place] = Partition()
      let offset = partitions.offset(index)
      commits.assigned(place, next: offset >= 0 && !resolved.contains(index) ? offset : nil)
      // So that a member which takes over before the first event is done begins there too.
      if resolved.contains(index), offset >= 0 { commits.want(place, next: offset) }
    }
    let assigned = topicPartitions(partitions)
    if !assigned.isEmpty { notices.append(.assigned(assigned)) }
  }

  /// Fills in where each partition begins; the indices of those of which nothing was committed and that begin
  /// elsewhere than at the beginning. What cannot be told now, the client finds out by itself.
  private func resolveStarts(_ partitions: borrowing KafkaPartitions) -> Set<Int> {
    let timeout = Int32(clamping: min(settings.operationTimeoutMilliseconds, options.leaseMilliseconds / 2))
    guard spacer_kafka_committed(client.handle, partitions.handle, timeout) == 0 else { return [] }
    let asked = KafkaPartitions(capacity: partitions.count)
    var indices: [Int] = []
    for index in 0..<partitions.count where partitions.offset(index) < 0 {
      switch options.start {
      case .beginning: continue
      case .offset(let offset): partitions.setOffset(index, max(0, offset))
      case .end: asked.add(partitions.topic(index), partitions.partition(index), offset: -1)
      case .time(let time): asked.add(partitions.topic(index), partitions.partition(index), offset: time)
      }
      indices.append(index)
    }
    guard asked.count > 0 else { return Set(indices) }
    guard spacer_kafka_offsets_for_times(client.handle, asked.handle, timeout) == 0 else { return [] }
    let ends = KafkaPartitions(copying: asked.handle)
    if case .time = options.start {
      // A time after the newest event is the end.
      for index in 0..<ends.count { ends.setOffset(index, -1) }
      guard spacer_kafka_offsets_for_times(client.handle, ends.handle, timeout) == 0 else { return [] }
    }
    for (position, index) in indices.enumerated() where position < asked.count {
      partitions.setOffset(
        index, asked.offset(position) >= 0 ? asked.offset(position) : ends.offset(position))
    }
    return Set(indices)
  }

  private func revoke(_ partitions: borrowing KafkaPartitions) {
    let places = topicPartitions(partitions)
    if spacer_kafka_assignment_lost(client.handle) != 0 { return lose(places) }
    if places.isEmpty {
      _ = spacer_kafka_incremental_unassign(client.handle, partitions.handle)
      return
    }
    _ = spacer_kafka_pause_partitions(client.handle, list(places).handle)
    for place in places { owned[place]?.isRevoking = true }
    revoking = Set(places)
    released = []
    notices.append(.revoking(places))
  }

  private func lose(_ places: [TopicPartition]) {
    _ = spacer_kafka_incremental_unassign(client.handle, list(places).handle)
    forget(places)
    if !places.isEmpty { notices.append(.lost(places.sorted())) }
  }

  private func forget(_ places: some Sequence<TopicPartition>) {
    for place in places {
      owned[place] = nil
      commits.drop(place)
      revoking.remove(place)
      released.remove(place)
    }
  }

  func release(_ partitions: [TopicPartition]) throws(EventLogError) {
    takeControl()
    released.formUnion(partitions.filter { revoking.contains($0) })
    guard !revoking.isEmpty, released == revoking else { return }
    waitForCommits { $0.isIdle(self.revoking) || self.revoking.isEmpty }
    // Lost meanwhile: answered already.
    if revoking.isEmpty { return }
    let given = revoking
    let code = spacer_kafka_incremental_unassign(client.handle, list(given).handle)
    forget(given)
    if code != 0 { throw KafkaErrors.error(code, "release partitions") }
  }

  func pause(_ partitions: [TopicPartition]) {
    let kept = partitions.filter { owned[$0] != nil }
    if !kept.isEmpty { _ = spacer_kafka_pause_partitions(client.handle, list(kept).handle) }
  }

  func resume(_ partitions: [TopicPartition]) {
    let kept = partitions.filter { owned[$0]?.isRevoking == false }
    if !kept.isEmpty { _ = spacer_kafka_resume_partitions(client.handle, list(kept).handle) }
  }

  // Messages

  private func takeMessages(_ limit: Int) -> [EventRecord] {
    var events: [EventRecord] = []
    while events.count < limit, let event = spacer_kafka_queue_poll(messages, 0) {
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
      guard let partition = owned[place], !partition.isRevoking, record.offset >= partition.next else {
        continue
      }
      owned[place]?.next = record.offset + 1
      events.append(KafkaReader.Message(record).event(topic: topic))
    }
    return events
  }

  // Commits

  func commit(_ done: [TopicPartition: Int64]) throws(EventLogError) {
    takeControl()
    var isFenced = false
    for (place, offset) in done {
      if owned[place] != nil { commits.want(place, next: offset + 1) } else { isFenced = true }
    }
    sendCommits()
    if isFenced { throw EventLogError(.fenced, "another member of the group has the partition now") }
  }

  private func sendCommits() {
    let now = clock.monotonicMilliseconds()
    guard let offsets = commits.take(nowMilliseconds: now) else { return }
    let list = KafkaPartitions(capacity: offsets.count)
    for (place, offset) in offsets.sorted(by: { $0.key < $1.key }) {
      list.add(settings.kafkaName(place.topic), place.partition, offset: offset)
    }
    let code = spacer_kafka_commit(client.handle, list.handle, control)
    if code != 0 { commits.answered(nowMilliseconds: now) { _ in .failed } }
  }

  private func takeCommit(_ event: OpaquePointer) {
    let whole = spacer_kafka_event_error(event)
    var errors: [TopicPartition: Int32] = [:]
    if let list = spacer_kafka_event_partitions(event) {
      let partitions = KafkaPartitions(copying: list)
      for index in 0..<partitions.count where partitions.error(index) != 0 {
        guard let place = topicPartition(partitions, index) else { continue }
        errors[place] = partitions.error(index)
      }
    }
    commits.answered(nowMilliseconds: clock.monotonicMilliseconds()) { place in
      let code = errors[place] ?? whole
      if code == 0 { return .committed }
      switch KafkaErrors.kind(code) {
      case .fenced, .unknownTopic, .tooLarge, .incompatible: return .refused
      default: return .failed
      }
    }
  }

  /// Hears the client out, within a bound, until the commits are as far as `isDone` says.
  private func waitForCommits(_ isDone: (KafkaCommits) -> Bool) {
    let end = clock.monotonicMilliseconds() + Int64(Self.leaveMilliseconds)
    while true {
      takeControl()
      sendCommits()
      let now = clock.monotonicMilliseconds()
      if isDone(commits) || now >= end { return }
      signal.wait(milliseconds: Int(min(end, max(now + 1, commits.nextMilliseconds ?? end)) - now))
    }
  }

  // The end

  func close() {
    if isClosed { return }
    isClosed = true
    waitForCommits { $0.isIdle }
    if let queue = spacer_kafka_queue_new(client.handle) {
      if !revoking.isEmpty {
        _ = spacer_kafka_incremental_unassign(client.handle, list(revoking).handle)
        forget(revoking)
      }
      if spacer_kafka_consumer_close_queue(client.handle, queue) == 0 { leave(queue) }
      spacer_kafka_queue_destroy(queue)
    }
    owned = [:]
    spacer_kafka_queue_signal(messages, -1)
    spacer_kafka_queue_signal(control, -1)
    spacer_kafka_queue_destroy(messages)
    spacer_kafka_queue_destroy(control)
  }

  /// Answers the client's last revocation, until it has left the group.
  private func leave(_ queue: OpaquePointer) {
    let end = clock.monotonicMilliseconds() + Int64(Self.leaveMilliseconds)
    while spacer_kafka_consumer_closed(client.handle) == 0, clock.monotonicMilliseconds() < end {
      guard let event = spacer_kafka_queue_poll(queue, 50) else { continue }
      if spacer_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE,
        let list = spacer_kafka_event_partitions(event)
      {
        _ = spacer_kafka_incremental_unassign(client.handle, list)
      }
      spacer_kafka_event_destroy(event)
    }
  }
}
