// What a member writes of its progress, always with its name and the epochs under which it owns its partitions.

import SpacerSystem

extension PostgresConsumer {
  func commit(_ done: [TopicPartition: Int64]) throws(EventLogError) {
    var foreign: [TopicPartition] = []
    for (place, offset) in done {
      guard let index = index(place.topic), readings[index].progress.commit(offset, place.partition) else {
        foreign.append(place)
        continue
      }
    }
    do throws(PostgresFailure) {
      // Without a connection it is written after the next poll has made one.
      guard session.isOpen else { throw PostgresFailure(.notSent, "the connection is lost") }
      foreign += try write(idleToo: false)
      if !hasCommitted, !done.isEmpty {
        try writeOriginal()
        hasCommitted = true
      }
    } catch {
      throw error.error
    }
    guard foreign.isEmpty else {
      throw EventLogError(
        .fenced, "\(foreign.count) partitions belong to another member of the group \(group) now")
    }
  }

  /// Writes what has grown; gives partitions that are another's, whose loss the next poll tells.
  /// - Parameter idleToo: Also partitions that have nothing open while others have.
  @discardableResult
  func write(idleToo: Bool) throws(PostgresFailure) -> [TopicPartition] {
    try write(PostgresLeases.commit) { reading, partition in
      guard let lane = reading.progress.lanes[partition], !lane.isReleased,
        let durable = reading.progress.durable(partition), durable > lane.stored
      else { return nil }
      // Of a partition without events the position is all there is to write, and it grows with each scan.
      return idleToo || lane.committed > lane.stored || reading.progress.isIdle ? durable : nil
    }
  }

  /// Gives back what was released, with its progress.
  func writeReleases() throws(PostgresFailure) {
    let released = readings.flatMap { reading in
      reading.progress.lanes.filter { $0.value.isReleased }.keys.map { (reading.topic.name, $0) }
    }
    guard !released.isEmpty else { return }
    try write(PostgresLeases.release) { reading, partition in
      guard reading.progress.lanes[partition]?.isReleased ?? false else { return nil }
      return reading.progress.durable(partition)
    }
    for (topic, partition) in released {
      if let index = index(topic) { readings[index].progress.remove(partition) }
    }
    session.post("NOTIFY \"\(PostgresLeases.channel(group))\"")
  }

  @discardableResult
  private func write(
    _ sql: String, _ done: (Reading, Int32) -> Int64?
  ) throws(PostgresFailure) -> [TopicPartition] {
    var entries: [(place: TopicPartition, epoch: Int64, done: Int64)] = []
    for reading in readings {
      for partition in reading.progress.lanes.keys.sorted() {
        guard let lane = reading.progress.lanes[partition], let done = done(reading, partition) else {
          continue
        }
        entries.append((TopicPartition(topic: reading.topic.name, partition: partition), lane.epoch, done))
      }
    }
    guard !entries.isEmpty else { return [] }
    var parameters = PostgresParameters()
    parameters.add(group)
    parameters.add(options.memberID)
    parameters.addTexts(entries.map(\.place.topic))
    parameters.addNumbers(entries.map(\.place.partition))
    parameters.addNumbers(entries.map(\.epoch))
    parameters.addNumbers(entries.map(\.done))
    let rows = try session.run(sql, parameters)
    var written: Set<TopicPartition> = []
    for row in 0..<rows.count {
      if let topic = rows.text(row, 0), let partition = rows.number(row, 1) {
        written.insert(TopicPartition(topic: topic, partition: Int32(truncatingIfNeeded: partition)))
      }
    }
    var lost: [TopicPartition] = []
    for entry in entries {
      guard let index = index(entry.place.topic) else { continue }
      if written.contains(entry.place) {
        readings[index].progress.change(entry.place.partition) { $0.stored = max($0.stored, entry.done) }
      } else {
        lost.append(entry.place)
      }
    }
    lose(lost)
    return lost
  }

  /// Partitions are another's already.
  func lose(_ places: [TopicPartition]) {
    var told: [TopicPartition] = []
    for place in places {
      guard let index = index(place.topic), let lane = readings[index].progress.lanes[place.partition] else {
        continue
      }
      readings[index].progress.remove(place.partition)
      if !lane.isReleased { told.append(place) }
    }
    if !told.isEmpty { notices.append(.lost(told.sorted())) }
  }

  /// Writes the lowest offsets where the original reads them, and removes what all partitions have passed.
  func writeOriginal() throws(PostgresFailure) {
    for reading in readings {
      var parameters = PostgresParameters()
      parameters.add(group)
      parameters.add(reading.topic.name)
      var named = parameters
      named.add(reading.originalName)
      guard let lowest = try session.run(PostgresLeases.writeOriginal, named).number(0, 0) else { continue }
      parameters.add(lowest)
      try session.run(PostgresLeases.removeEarlier, parameters)
      try removeClaims(parameters)
    }
  }

  /// As many as there are, for a part of the time between two signs of life: claims come as fast as events are done.
  private func removeClaims(_ place: PostgresParameters) throws(PostgresFailure) {
    let end = clock.monotonicMilliseconds() + Int64(options.leaseMilliseconds / 8)
    var parameters = place
    parameters.add(Int64(PostgresLimits.claimRowsMax))
    while true {
      let rows = try session.run(PostgresTransactions.removeClaims, parameters)
      guard rows.number(0, 0) ?? 0 >= PostgresLimits.claimRowsMax, rows.number(0, 1) ?? 0 > 0,
        clock.monotonicMilliseconds() < end
      else { return }
    }
  }

  func release(_ partitions: [TopicPartition]) throws(EventLogError) {
    for place in partitions {
      if let index = index(place.topic) {
        readings[index].progress.change(place.partition) { $0.isReleased = true }
      }
    }
    // Else the next poll that has a connection does it.
    guard session.isOpen else { return }
    do throws(PostgresFailure) {
      try writeReleases()
    } catch {
      tickDue = 0
      if !error.error.isTemporary { throw error.error }
    }
  }

  /// Gives everything back and leaves the group. Without a connection the lease ends it.
  func leave() {
    guard session.isOpen else { return }
    for reading in readings.indices {
      for partition in readings[reading].progress.lanes.keys {
        readings[reading].progress.change(partition) { $0.isReleased = true }
      }
    }
    do throws(PostgresFailure) {
      try writeReleases()
      var parameters = PostgresParameters()
      parameters.add(group)
      parameters.add(options.memberID)
      try session.run(PostgresLeases.leave, parameters)
      if hasCommitted { try writeOriginal() }
      try session.script("NOTIFY \"\(PostgresLeases.channel(group))\"")
    } catch {}
  }
}
