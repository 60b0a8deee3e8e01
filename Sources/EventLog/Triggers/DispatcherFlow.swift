// Commits, and how much the driver may bring.

extension TriggerDispatcher {
  /// How many more events to ask the driver for.
  package var roomCount: Int {
    guard ownedCount > pausedCount, !isDraining else { return 0 }
    return max(options.eventCountMax - eventCount, shareCount)
  }

  /// Nothing of the last commit may have arrived: commits all again after the commit interval.
  package mutating func commitFailed(now: Moment) {
    for partition in partitions.indices where partitions[partition].ownership != .none {
      partitions[partition].committed = nil
      noteUncommitted(partition)
    }
    if !uncommitted.isEmpty {
      commitDue = now.monotonicMilliseconds + Int64(max(1, options.commitIntervalMilliseconds))
    }
  }

  mutating func noteUncommitted(_ partition: Int) {
    guard !partitions[partition].isUncommitted else { return }
    partitions[partition].isUncommitted = true
    uncommitted.append(Int32(partition))
  }

  /// Hands out what is done, when it is time.
  mutating func commitDone(_ now: Moment) {
    guard !uncommitted.isEmpty else { return }
    let due = commitDue ?? now.monotonicMilliseconds + Int64(options.commitIntervalMilliseconds)
    commitDue = due
    let isRelease = changed.contains { place in
      partitions[Int(place)].ownership == .revoking && partitions[Int(place)].busyCount == 0
    }
    guard
      isRelease || doneSinceCommit >= options.commitCountMax || due <= now.monotonicMilliseconds
        || isDraining && runs.count == 0 && lettersInFlight == 0
    else { return }
    var done: [TopicPartition: Int64] = [:]
    for place in uncommitted {
      let partition = Int(place)
      partitions[partition].isUncommitted = false
      guard partitions[partition].ownership != .none, let watermark = partitions[partition].window.watermark,
        watermark > partitions[partition].committed ?? -1
      else { continue }
      partitions[partition].committed = watermark
      done[partitions[partition].id] = watermark
    }
    uncommitted.removeAll(keepingCapacity: true)
    commitDue = nil
    doneSinceCommit = 0
    if !done.isEmpty { actions.append(.commit(done)) }
  }

  /// Pauses partitions that have too much on hand and resumes those that have room again.
  mutating func balance() {
    var paused: [TopicPartition] = []
    if eventCount >= options.eventCountMax || eventBytes >= options.eventBytesMax {
      for partition in partitions.indices { pauseIfFull(partition, &paused) }
    } else {
      for place in changed { pauseIfFull(Int(place), &paused) }
    }
    if !paused.isEmpty { actions.append(.pausePartitions(paused)) }
    guard pausedCount > paused.count else { return }
    var resumed: [TopicPartition] = []
    for partition in partitions.indices
    where partitions[partition].isPaused && partitions[partition].ownership == .owned && hasRoom(partition) {
      partitions[partition].isPaused = false
      pausedCount -= 1
      resumed.append(partitions[partition].id)
    }
    if !resumed.isEmpty { actions.append(.resumePartitions(resumed)) }
  }

  private mutating func pauseIfFull(_ partition: Int, _ paused: inout [TopicPartition]) {
    guard !partitions[partition].isPaused, partitions[partition].ownership == .owned, isFull(partition) else {
      return
    }
    partitions[partition].isPaused = true
    pausedCount += 1
    paused.append(partitions[partition].id)
  }

  private var shareCount: Int { max(1, options.eventCountMax / max(1, ownedCount)) }
  private var shareBytes: Int { max(1, options.eventBytesMax / max(1, ownedCount)) }

  private func isFull(_ partition: Int) -> Bool {
    let count = partitions[partition].eventCount
    let bytes = partitions[partition].eventBytes
    return count >= options.partitionEventCountMax || bytes >= options.partitionEventBytesMax
      || eventCount >= options.eventCountMax && count >= shareCount
      || eventBytes >= options.eventBytesMax && bytes >= shareBytes
  }

  private func hasRoom(_ partition: Int) -> Bool {
    let count = partitions[partition].eventCount
    let bytes = partitions[partition].eventBytes
    return count <= options.partitionEventCountMax / 2 && bytes <= options.partitionEventBytesMax / 2
      && (eventCount <= options.eventCountMax / 2 || count <= shareCount / 2)
      && (eventBytes <= options.eventBytesMax / 2 || bytes <= shareBytes / 2)
  }
}
