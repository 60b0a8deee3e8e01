// Joining a group, living in it, and sharing its partitions.

import SpacerSystem

extension PostgresStore {
  package func join(
    group: String, topics names: [String], options: ConsumerOptions
  ) throws(EventLogError) -> any GroupConsumer {
    var topics: [PostgresTopic] = []
    for name in names { topics.append(try topic(name)) }
    let consumer = try PostgresConsumer(store: self, group: group, topics: topics, options: options)
    try consumer.enter()
    return consumer
  }
}

extension PostgresConsumer {
  // MARK: Joining

  /// Makes the group's rows, each topic's in a transaction that holds up others who join.
  func enter() throws(EventLogError) {
    do throws(PostgresFailure) {
      try session.connect()
      for index in readings.indices { try enter(index) }
      session.post("NOTIFY \"\(PostgresLeases.channel(group))\"")
    } catch {
      session.close()
      throw error.error
    }
  }

  private func enter(_ index: Int) throws(PostgresFailure) {
    let topic = readings[index].topic
    let start = try PostgresStore.offset(of: options.start, topic, session) - 1
    do throws(PostgresFailure) {
      try session.script("BEGIN")
      try enter(index, start: options.start == .beginning ? -1 : start)
      try session.script("COMMIT")
    } catch {
      if session.isOpen { session.post("ROLLBACK") }
      throw error
    }
  }

  private func enter(_ index: Int, start: Int64) throws(PostgresFailure) {
    let topic = readings[index].topic
    var place = PostgresParameters()
    place.add(group)
    place.add(topic.name)
    let count = Int32(truncatingIfNeeded: try session.run(PostgresLeases.enter, place).number(0, 0) ?? 0)
    let original = try session.run(PostgresLeases.originalOffset, place)
    readings[index].originalName = original.text(0, 0) ?? topic.name
    if count != topic.partitionCount {
      // Whoever had them with another number finds that they are gone.
      let extent = try session.run(PostgresLeases.extent, place)
      let done = extent.number(0, 0) ?? original.number(0, 1) ?? start
      let epoch = (extent.number(0, 1) ?? 0) + 1
      var numbered = place
      numbered.add(count)
      if count > 0 { try session.run(PostgresLeases.keepEarlier, numbered) }
      try session.run(PostgresLeases.removePartitions, place)
      var parameters = place
      parameters.add(topic.partitionCount)
      try session.run(PostgresLeases.setCount, parameters)
      parameters.add(epoch)
      parameters.add(done)
      try session.run(PostgresLeases.makePartitions, parameters)
    }
    if let offset = original.number(0, 1) {
      var parameters = place
      parameters.add(offset)
      try session.run(PostgresLeases.raise, parameters)
    }
  }

  // MARK: Living

  /// Says that the member lives, keeps what it owns, and evens out who owns what.
  func tick() throws(PostgresFailure) {
    try writeReleases()
    try live()
    try renew()
    try share()
    try write(idleToo: true)
    if hasCommitted { try writeOriginal() }
    tickDue = clock.monotonicMilliseconds() + Int64(options.leaseMilliseconds / 4)
  }

  private func live() throws(PostgresFailure) {
    var parameters = PostgresParameters()
    parameters.add(group)
    parameters.add(options.memberID)
    parameters.addTexts(readings.map(\.topic.name))
    parameters.addNumbers(readings.map(\.topic.partitionCount))
    parameters.add(Int64(options.leaseMilliseconds))
    let rows = try session.run(PostgresLeases.live, parameters)
    guard (0..<rows.count).contains(where: { rows.flag($0, 0) }) else { return }
    // A new member: the others give away at once what is its share.
    session.post("NOTIFY \"\(PostgresLeases.channel(group))\"")
    var own = PostgresParameters()
    own.add(group)
    try session.run(PostgresLeases.removeGone, own)
  }

  private func renew() throws(PostgresFailure) {
    var parameters = PostgresParameters()
    parameters.add(group)
    parameters.add(options.memberID)
    parameters.add(Int64(options.leaseMilliseconds))
    let rows = try session.run(PostgresLeases.renew, parameters)
    var owned: [TopicPartition: (epoch: Int64, done: Int64)] = [:]
    for row in 0..<rows.count {
      guard let topic = rows.text(row, 0), let partition = rows.number(row, 1),
        let epoch = rows.number(row, 2), let done = rows.number(row, 3)
      else { continue }
      owned[TopicPartition(topic: topic, partition: Int32(truncatingIfNeeded: partition))] = (epoch, done)
    }
    var lost: [TopicPartition] = []
    for reading in readings {
      for (partition, lane) in reading.progress.lanes {
        let place = TopicPartition(topic: reading.topic.name, partition: partition)
        if owned[place]?.epoch == lane.epoch { owned[place] = nil } else { lost.append(place) }
      }
    }
    lose(lost)
    // Of an earlier life under the same name, or an answer that did not come: given back, to be taken in order.
    try giveBack(owned.filter { index($0.key.topic) != nil })
  }

  private func giveBack(
    _ strays: [TopicPartition: (epoch: Int64, done: Int64)]
  ) throws(PostgresFailure) {
    guard !strays.isEmpty else { return }
    let entries = strays.sorted { $0.key < $1.key }
    var parameters = PostgresParameters()
    parameters.add(group)
    parameters.add(options.memberID)
    parameters.addTexts(entries.map(\.key.topic))
    parameters.addNumbers(entries.map(\.key.partition))
    parameters.addNumbers(entries.map(\.value.epoch))
    parameters.addNumbers(entries.map(\.value.done))
    try session.run(PostgresLeases.release, parameters)
  }

  // MARK: Sharing

  private func share() throws(PostgresFailure) {
    var parameters = PostgresParameters()
    parameters.add(group)
    parameters.addTexts(readings.map(\.topic.name))
    let rows = try session.run(PostgresLeases.members, parameters)
    var members: [String: [String]] = [:]
    for row in 0..<rows.count {
      if let topic = rows.text(row, 0), let member = rows.text(row, 1) {
        members[topic, default: []].append(member)
      }
    }
    for index in readings.indices {
      let topic = readings[index].topic
      let living = members[topic.name] ?? []
      // Not among them when the process stood still between two statements for longer than its lease, or when a
      // newer number of partitions has fenced it: the next time tells.
      guard let place = living.firstIndex(of: options.memberID) else { continue }
      let share = PartitionShare.count(
        partitions: Int(topic.partitionCount), members: living.count, place: place, topic: topic.name)
      let kept = readings[index].progress.lanes.filter { !$0.value.isRevoking && !$0.value.isReleased }
      if kept.count > share {
        revoke(index, kept.keys.sorted().suffix(kept.count - share))
      } else if readings[index].progress.lanes.count < share {
        try take(index, share - readings[index].progress.lanes.count)
      }
    }
  }

  private func revoke(_ index: Int, _ partitions: some Collection<Int32>) {
    for partition in partitions { readings[index].progress.change(partition) { $0.isRevoking = true } }
    let topic = readings[index].topic.name
    notices.append(.revoking(partitions.map { TopicPartition(topic: topic, partition: $0) }))
  }

  private func take(_ index: Int, _ count: Int) throws(PostgresFailure) {
    let topic = readings[index].topic
    var parameters = PostgresParameters()
    parameters.add(group)
    parameters.add(options.memberID)
    parameters.add(topic.name)
    parameters.add(Int64(count))
    parameters.add(Int64(options.leaseMilliseconds))
    parameters.add(topic.partitionCount)
    let rows = try session.run(PostgresLeases.take, parameters)
    guard rows.count > 0 else { return }
    try loadEarlier(index)
    var taken: [TopicPartition] = []
    for row in 0..<rows.count {
      guard let partition = rows.number(row, 0), let epoch = rows.number(row, 1),
        let done = rows.number(row, 2)
      else { continue }
      let number = Int32(truncatingIfNeeded: partition)
      readings[index].progress.assign(number, epoch: epoch, done: done)
      taken.append(TopicPartition(topic: topic.name, partition: number))
    }
    readings[index].needsScan = true
    notices.append(.assigned(taken.sorted()))
  }

  private func loadEarlier(_ index: Int) throws(PostgresFailure) {
    var parameters = PostgresParameters()
    parameters.add(group)
    parameters.add(readings[index].topic.name)
    let rows = try session.run(PostgresLeases.earlier, parameters)
    var earlier: [Int32: [Int32: Int64]] = [:]
    for row in 0..<rows.count {
      guard let count = rows.number(row, 0), let partition = rows.number(row, 1),
        let done = rows.number(row, 2)
      else { continue }
      earlier[Int32(truncatingIfNeeded: count), default: [:]][Int32(truncatingIfNeeded: partition)] = done
    }
    readings[index].progress.setEarlier(earlier)
  }
}
