// Which partitions the member owns: where they begin, how they are given back, and which of them rest.

import CKafka
import SpacerSystem

extension KafkaConsumer {
  func topicPartition(_ list: borrowing KafkaPartitions, _ index: Int) -> TopicPartition? {
    topics[list.topic(index)].map { TopicPartition(topic: $0, partition: list.partition(index)) }
  }

  func topicPartitions(_ list: borrowing KafkaPartitions) -> [TopicPartition] {
    (0..<list.count).compactMap { topicPartition(list, $0) }.sorted()
  }

  func list(_ partitions: some Collection<TopicPartition>) -> KafkaPartitions {
    let list = KafkaPartitions(capacity: partitions.count)
    for place in partitions { list.add(settings.kafkaName(place.topic), place.partition) }
    return list
  }

  /// Takes partitions over as soon as it is known where they begin: until the answer the client asks nothing else.
  func assign(_ partitions: borrowing KafkaPartitions) {
    assigning = topicPartitions(partitions)
    assignAtMilliseconds = .min
    answerByMilliseconds = heardMilliseconds + membership.answerMilliseconds
    answerAssignment()
  }

  /// Answers an open assignment. What fails is told and tried again: where a partition begins is never guessed.
  func answerAssignment() {
    guard let places = assigning, clock.monotonicMilliseconds() >= assignAtMilliseconds else { return }
    let partitions = list(places)
    let starts: KafkaStarts
    do throws(EventLogError) {
      starts = try resolveStarts(partitions)
    } catch {
      failure = error
      assignAtMilliseconds = clock.monotonicMilliseconds() + Self.assignRetryMilliseconds
      return
    }
    for place in places {
      let name = settings.kafkaName(place.topic)
      _ = membership.client.withHandle {
        spacer_kafka_forward_partition($0, name, place.partition, membership.messages)
      }
    }
    // The client keeps the pause of a partition that was given up and comes back.
    _ = membership.withClient(partitions, spacer_kafka_resume_partitions)
    let code = membership.withClient(partitions, spacer_kafka_incremental_assign)
    assigning = nil
    answerByMilliseconds = nil
    if code != 0 {
      failure = KafkaErrors.error(code, "assign partitions")
      joinAnew(inMilliseconds: Self.rejoinMilliseconds)
      return
    }
    for (index, place) in places.enumerated() {
      let committed = starts.committed[index]
      owned[place] = Partition(progress: KafkaProgress(next: committed ?? 0))
      commits.assigned(place, next: committed)
      // So that a member which takes over before the first event is done begins there too.
      if committed == nil, partitions.offset(index) >= 0 {
        commits.want(place, next: partitions.offset(index))
      }
    }
    if !places.isEmpty { notices.append(.assigned(places)) }
  }

  /// What is known of partitions before they are read, in the order of their list.
  struct KafkaStarts {
    /// What the group has committed.
    var committed: [Int64?]
  }

  /// Fills in where each partition begins: where the group is, or where the options say. The client is left nothing
  /// to look up: it gives partitions up for good whose lookup fails.
  private func resolveStarts(_ partitions: borrowing KafkaPartitions) throws(EventLogError) -> KafkaStarts {
    guard partitions.count > 0 else { return KafkaStarts(committed: []) }
    let timeout = Int32(clamping: min(settings.operationTimeoutMilliseconds, options.leaseMilliseconds / 2))
    let code = membership.withClient(partitions) { spacer_kafka_committed($0, $1, timeout) }
    let error = code != 0 ? code : partitions.firstError
    if error != 0 { throw KafkaErrors.error(error, "tell how far the group \(group) is") }
    var starts = KafkaStarts(committed: [])
    let asked = KafkaPartitions(capacity: partitions.count)
    var indices: [Int] = []
    for index in 0..<partitions.count {
      let committed = partitions.offset(index)
      starts.committed.append(committed >= 0 ? committed : nil)
      if committed >= 0 { continue }
      switch options.start {
      case .beginning: partitions.setOffset(index, Int64(RD_KAFKA_OFFSET_BEGINNING))
      case .offset(let offset): partitions.setOffset(index, max(0, offset))
      case .end, .time:
        asked.add(partitions.topic(index), partitions.partition(index))
        indices.append(index)
      }
    }
    if indices.isEmpty { return starts }
    let ends = try offsets(asked, time: -1, timeout)
    var found = ends
    if case .time(let time) = options.start {
      // A time after the newest event is the end.
      found = try offsets(asked, time: max(0, time), timeout)
      for index in found.indices where found[index] < 0 { found[index] = ends[index] }
    }
    for (index, offset) in zip(indices, found) { partitions.setOffset(index, offset) }
    return starts
  }

  /// What stands at a time in each partition; times by librdkafka's rules.
  private func offsets(
    _ partitions: borrowing KafkaPartitions, time: Int64, _ timeout: Int32
  ) throws(EventLogError) -> [Int64] {
    for index in 0..<partitions.count { partitions.setOffset(index, time) }
    let code = membership.withClient(partitions) { spacer_kafka_offsets_for_times($0, $1, timeout) }
    let error = code != 0 ? code : partitions.firstError
    if error != 0 { throw KafkaErrors.error(error, "tell offsets") }
    var offsets: [Int64] = []
    for index in 0..<partitions.count { offsets.append(partitions.offset(index)) }
    return offsets
  }

  func revoke(_ partitions: borrowing KafkaPartitions) {
    let places = topicPartitions(partitions).filter { owned[$0] != nil }
    let isLost = membership.client.withHandle(spacer_kafka_assignment_lost) != 0
    assigning = nil
    if isLost || places.isEmpty {
      answerByMilliseconds = nil
      let code = membership.withClient(partitions, spacer_kafka_incremental_unassign)
      forget(places)
      if code != 0 { joinAnew(inMilliseconds: Self.rejoinMilliseconds) }
      if !places.isEmpty { notices.append(.lost(places)) }
      return
    }
    _ = membership.withClient(list(places), spacer_kafka_pause_partitions)
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

  func forget(_ places: some Sequence<TopicPartition>) {
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
    let code = membership.withClient(list(given), spacer_kafka_incremental_unassign)
    forget(given)
    guard code != 0 else { return }
    joinAnew(inMilliseconds: Self.rejoinMilliseconds)
    throw KafkaErrors.error(code, "release partitions")
  }

  func pause(_ partitions: [TopicPartition]) {
    let changed = partitions.filter { owned[$0]?.isPaused == false }
    for place in changed {
      owned[place]?.isPaused = true
      owned[place]?.progress.pause()
    }
    if !changed.isEmpty { _ = membership.withClient(list(changed), spacer_kafka_pause_partitions) }
  }

  func resume(_ partitions: [TopicPartition]) {
    let changed = partitions.filter { owned[$0]?.isPaused == true }
    for place in changed { owned[place]?.isPaused = false }
    // What is held goes first; the client brings no more before that is taken.
    let free = changed.filter { owned[$0]?.held.isEmpty == true && owned[$0]?.isRevoking == false }
    if !free.isEmpty { _ = membership.withClient(list(free), spacer_kafka_resume_partitions) }
  }
}
