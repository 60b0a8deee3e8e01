// Which partitions are ours, and what becomes of their events when they are not any more.

extension TriggerDispatcher {
  /// The partitions are ours now; their events follow. What was on hand of them from an earlier time is forgotten.
  package mutating func assigned(_ partitions: [TopicPartition]) {
    for id in partitions {
      let partition = Int(partitionPlace(id))
      if self.partitions[partition].ownership != .none { forget(partition) }
      self.partitions[partition].ownership = .owned
      self.partitions[partition].epoch &+= 1
      ownedCount += 1
    }
  }

  /// Finish what runs and begin nothing; `release` follows.
  package mutating func revoking(_ partitions: [TopicPartition]) {
    for id in partitions {
      guard let partition = knownPartition(id), self.partitions[partition].ownership != .none else {
        actions.append(.release([id]))
        continue
      }
      guard self.partitions[partition].ownership == .owned else { continue }
      self.partitions[partition].ownership = .revoking
      for lane in lanesOf(partition) { keepBusy(lane) }
      noteChange(partition)
    }
  }

  /// They are another's: all of them is forgotten; outcomes of what runs are taken and mean nothing.
  package mutating func lost(_ partitions: [TopicPartition]) {
    for id in partitions {
      guard let partition = knownPartition(id), self.partitions[partition].ownership != .none else {
        continue
      }
      forget(partition)
    }
  }

  /// Gives back what is being revoked and has nothing in flight. After the commits.
  mutating func releaseFinished() {
    var released: [Int] = []
    for place in changed {
      let partition = Int(place)
      partitions[partition].isChanged = false
      if partitions[partition].ownership == .revoking, partitions[partition].busyCount == 0 {
        released.append(partition)
      }
    }
    changed.removeAll(keepingCapacity: true)
    guard !released.isEmpty else { return }
    for partition in released { forget(partition) }
    actions.append(.release(released.map { partitions[$0].id }))
  }

  /// Has `step` look at the partition's pressure and release.
  mutating func noteChange(_ partition: Int) {
    guard !partitions[partition].isChanged else { return }
    partitions[partition].isChanged = true
    changed.append(Int32(partition))
  }

  func knownPartition(_ id: TopicPartition) -> Int? {
    guard let topic = topicPlaces[id.topic], let place = topicPartitions[topic][id.partition] else {
      return nil
    }
    return Int(place)
  }

  private mutating func partitionPlace(_ id: TopicPartition) -> Int32 {
    let topic = topicPlace(id.topic)
    if let place = topicPartitions[topic][id.partition] { return place }
    let place = Int32(partitions.count)
    partitions.append(
      PartitionState(
        id: id, topic: topic, window: OffsetWindow(mayComeLate: options.eventsMayComeLate)))
    topicPartitions[topic][id.partition] = place
    return place
  }

  private func lanesOf(_ partition: Int) -> [Int32] {
    var all: [Int32] = []
    for key in partitions[partition].keys.values {
      var lane = keys[key].firstLane
      while lane >= 0 {
        all.append(lane)
        lane = lanes[lane].nextOfKey
      }
    }
    return all
  }

  /// Drops all that a lane has beyond what runs or is being stored.
  private mutating func keepBusy(_ lane: Int32) {
    switch lanes[lane].state {
    case .running:
      dropItems(of: lane, after: lanes[lane].runCount)
    case .storing:
      if letters[lanes[lane].letter]?.isInFlight == true {
        dropItems(of: lane, after: 1)
      } else {
        giveUpLetter(of: lane)
        removeLane(lane)
      }
    case .idle, .ready, .waiting, .bundled:
      removeLane(lane)
    }
  }

  /// The partition as if it had never been ours, but for the keys that run.
  private mutating func forget(_ partition: Int) {
    for lane in lanesOf(partition) {
      switch lanes[lane].state {
      case .running:
        dropItems(of: lane, after: 0)
        // No outcome looks at them, since the epoch is another.
        lanes[lane].runCount = 0
      case .storing:
        giveUpLetter(of: lane)
        removeLane(lane)
      case .idle, .ready, .waiting, .bundled:
        removeLane(lane)
      }
    }
    if partitions[partition].isPaused { pausedCount -= 1 }
    partitions[partition].isPaused = false
    partitions[partition].ownership = .none
    partitions[partition].epoch &+= 1
    partitions[partition].window = OffsetWindow(mayComeLate: options.eventsMayComeLate)
    partitions[partition].committed = nil
    ownedCount -= 1
  }
}
