// A member of a consumer group. The client tells of assignments, commits and errors on one queue and brings
// messages on another, so that the first is heard also while no messages are wanted; both signal one descriptor,
// which `poll` waits for.
//
// A revocation is answered only by `release`: until then the others of the group wait, and the member may commit.
// Commits go one at a time (`KafkaCommits`); `release` and `close` wait for them. A member that did not answer in
// time was thrown out of the group, which the client does not notice while the answer is open: it then loses all
// and joins anew with another client (`KafkaMembership`), so that nothing of before is taken for the present.

import CKafka
import SpacerSystem
import Synchronization

final class KafkaConsumer: GroupConsumer {
  private struct Partition {
    /// Offsets below have come already.
    var next: Int64 = 0
    var isRevoking = false
    var isPaused = false
    /// What came when it was paused: the client may have had it on its way.
    var held: [EventRecord] = []
  }

  private let group: String
  private var membership: KafkaMembership
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
  /// When the client was last heard, on the monotonic clock.
  private var heardMilliseconds: Int64
  /// By then the group has given up waiting for the answer to a revocation; nil when none is open.
  private var answerByMilliseconds: Int64?
  private var released: Set<TopicPartition> = []
  private var commits = KafkaCommits()
  /// At least as many as the partitions hold.
  private var heldCount = 0
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
    while let event = spacer_kafka_queue_poll(membership.control, 0) {
      take(event)
      spacer_kafka_event_destroy(event)
    }
    let now = clock.monotonicMilliseconds()
    if let end = answerByMilliseconds, now >= end { joinAnew() }
    heardMilliseconds = now
  }

  /// Loses everything and becomes a new member.
  private func joinAnew() {
    let lost = owned.keys.sorted()
    forget(lost)
    answerByMilliseconds = nil
    if !lost.isEmpty { notices.append(.lost(lost)) }
    do throws(EventLogError) {
      membership = try KafkaMembership(settings, group: group, topics.keys.sorted(), options, signal)
    } catch {
      // No thread or descriptor to be had: tried again when the next poll comes.
      answerByMilliseconds = clock.monotonicMilliseconds() + 1_000
      failure = error
    }
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
        membership.client.handle, partitions.topic(index), partitions.partition(index), membership.messages)
    }
    // The client keeps the pause of a partition that was given up and comes back.
    _ = spacer_kafka_resume_partitions(membership.client.handle, partitions.handle)
    let resolved = resolveStarts(partitions)
    let code = spacer_kafka_incremental_assign(membership.client.handle, partitions.handle)
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
    guard spacer_kafka_committed(membership.client.handle, partitions.handle, timeout) == 0 else { return [] }
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
    guard spacer_kafka_offsets_for_times(membership.client.handle, asked.handle, timeout) == 0 else {
      return []
    }
    let ends = KafkaPartitions(copying: asked.handle)
    if case .time = options.start {
      // A time after the newest event is the end.
      for index in 0..<ends.count { ends.setOffset(index, -1) }
      guard spacer_kafka_offsets_for_times(membership.client.handle, ends.handle, timeout) == 0 else {
        return []
      }
    }
    for (position, index) in indices.enumerated() where position < asked.count {
      partitions.setOffset(
        index, asked.offset(position) >= 0 ? asked.offset(position) : ends.offset(position))
    }
    return Set(indices)
  }

  private func revoke(_ partitions: borrowing KafkaPartitions) {
    let places = topicPartitions(partitions).filter { owned[$0] != nil }
    let isLost = spacer_kafka_assignment_lost(membership.client.handle) != 0
    if isLost || places.isEmpty {
      _ = spacer_kafka_incremental_unassign(membership.client.handle, partitions.handle)
      forget(places)
      if !places.isEmpty { notices.append(.lost(places)) }
      return
    }
    _ = spacer_kafka_pause_partitions(membership.client.handle, list(places).handle)
    for place in places {
      owned[place]?.isRevoking = true
      owned[place]?.held = []
    }
    revoking = Set(places)
    released = []
    // The group's clock runs since some moment after the client was last heard.
    answerByMilliseconds = heardMilliseconds + membership.answerMilliseconds
    notices.append(.revoking(places))
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
    answerByMilliseconds = nil
    let code = spacer_kafka_incremental_unassign(membership.client.handle, list(given).handle)
    forget(given)
    if code != 0 { throw KafkaErrors.error(code, "release partitions") }
  }

  func pause(_ partitions: [TopicPartition]) {
    let changed = partitions.filter { owned[$0]?.isPaused == false }
    for place in changed { owned[place]?.isPaused = true }
    if !changed.isEmpty { _ = spacer_kafka_pause_partitions(membership.client.handle, list(changed).handle) }
  }

  func resume(_ partitions: [TopicPartition]) {
    let changed = partitions.filter { owned[$0]?.isPaused == true }
    for place in changed { owned[place]?.isPaused = false }
    // What is held goes first; the client brings no more before that is taken.
    let free = changed.filter { owned[$0]?.held.isEmpty == true && owned[$0]?.isRevoking == false }
    if !free.isEmpty { _ = spacer_kafka_resume_partitions(membership.client.handle, list(free).handle) }
  }

  // Messages

  private func takeMessages(_ limit: Int) -> [EventRecord] {
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
      guard let partition = owned[place], !partition.isRevoking, record.offset >= partition.next else {
        continue
      }
      owned[place]?.next = record.offset + 1
      let read = KafkaReader.Message(record).event(topic: topic)
      if partition.isPaused || !partition.held.isEmpty {
        owned[place]?.held.append(read)
        heldCount += 1
      } else {
        events.append(read)
      }
    }
    return events
  }

  private func takeHeld(_ limit: Int) -> [EventRecord] {
    guard heldCount > 0 else { return [] }
    var events: [EventRecord] = []
    heldCount = 0
    for (place, partition) in owned where !partition.held.isEmpty {
      let taken = partition.isPaused ? 0 : min(limit - events.count, partition.held.count)
      events += partition.held.prefix(taken)
      owned[place]?.held.removeFirst(taken)
      heldCount += partition.held.count - taken
      if taken > 0, taken == partition.held.count {
        _ = spacer_kafka_resume_partitions(membership.client.handle, list([place]).handle)
      }
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
    let code = spacer_kafka_commit(membership.client.handle, list.handle, membership.control)
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
    var isOut = false
    commits.answered(nowMilliseconds: clock.monotonicMilliseconds()) { place in
      let code = errors[place] ?? whole
      if code == 0 { return .committed }
      switch KafkaErrors.kind(code) {
      case .fenced:
        isOut = true
        return .failed
      case .unknownTopic, .tooLarge, .incompatible: return .refused
      default: return .failed
      }
    }
    // Otherwise the client tells by itself, or has joined again meanwhile and the commit succeeds.
    if isOut, !revoking.isEmpty { joinAnew() }
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
    if !revoking.isEmpty {
      _ = spacer_kafka_incremental_unassign(membership.client.handle, list(revoking).handle)
    }
    forget(Array(owned.keys))
    membership.leave(milliseconds: Self.leaveMilliseconds, clock)
  }
}
