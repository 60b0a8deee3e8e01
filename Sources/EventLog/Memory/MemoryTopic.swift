// A topic in memory: events in chunks, so that neither appending nor removing the oldest moves the others.

/// The events of one topic. Offsets are 1, 2, 3 … without gaps.
struct MemoryTopic {
  private static let chunkCountMax = 1_024

  var definition: TopicDefinition
  /// The oldest event's offset; `end` when there is none.
  private(set) var first: Int64 = 1
  /// One after the newest event's.
  private(set) var end: Int64 = 1
  /// What the events count, in bytes.
  private(set) var byteCount = 0
  private var ids: Set<[UInt8]> = []
  /// Full, but for the last; of the first one, `skipped` events are gone.
  private var chunks: [ContiguousArray<EventRecord>] = []
  private var skipped = 0

  init(_ definition: TopicDefinition) { self.definition = definition }

  func holds(id: String) -> Bool { ids.contains(Array(id.utf8)) }

  /// Appends an entry; nil when its id is there.
  mutating func append(_ entry: AppendEntry, timestampMilliseconds: Int64, trace: TraceParent?) -> Int64? {
    if let id = entry.id, !ids.insert(Array(id.utf8)).inserted { return nil }
    if chunks.last.map({ $0.count >= Self.chunkCountMax }) ?? true {
      var chunk: ContiguousArray<EventRecord> = []
      chunk.reserveCapacity(Self.chunkCountMax)
      chunks.append(chunk)
    }
    let record = EventRecord(
      topic: definition.name, partition: KeyPartition.of(entry.key, count: definition.partitionCount),
      offset: end, key: Array(entry.key), value: Array(entry.value),
      timestampMilliseconds: timestampMilliseconds,
      givenID: entry.id, trace: trace?.text)
    chunks[chunks.count - 1].append(record)
    byteCount += record.byteCount
    end += 1
    return record.offset
  }

  /// The event at an offset that is in the topic.
  private func record(at offset: Int64) -> EventRecord? {
    guard offset >= first, offset < end else { return nil }
    let index = Int(offset - first) + skipped
    return chunks[index / Self.chunkCountMax][index % Self.chunkCountMax]
  }

  /// Calls `body` for events from one offset through another, in order, until it says no.
  func forEach(from: Int64, through: Int64, _ body: (EventRecord) -> Bool) {
    guard through >= first, from < end else { return }
    var index = Int(max(from, first) - first) + skipped
    let last = Int(min(through, end - 1) - first) + skipped
    while index <= last {
      let chunk = chunks[index / Self.chunkCountMax]
      var place = index % Self.chunkCountMax
      while place < chunk.count, index <= last {
        guard body(chunk[place]) else { return }
        place += 1
        index += 1
      }
    }
  }

  /// The first event appended at a time or later; `end` when there is none. Where the clock was set back, one of
  /// the events around that moment.
  func offset(at timeMilliseconds: Int64) -> Int64 {
    var low = first
    var high = end
    while low < high {
      let middle = low + (high - low) / 2
      if let record = record(at: middle), record.timestampMilliseconds < timeMilliseconds {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  /// Removes the oldest events, up to the first that was appended at the time or later; returns how many.
  mutating func trim(before timeMilliseconds: Int64) -> Int {
    var count = 0
    while let record = record(at: first), record.timestampMilliseconds < timeMilliseconds {
      if let id = record.givenID { ids.remove(Array(id.utf8)) }
      byteCount -= record.byteCount
      first += 1
      skipped += 1
      count += 1
      if skipped == Self.chunkCountMax {
        chunks.removeFirst()
        skipped = 0
      }
    }
    return count
  }
}

extension EventRecord {
  /// What it counts in bounds on memory, in bytes: as much as the entry it was.
  fileprivate var byteCount: Int { key.count + value.count + (givenID?.utf8.count ?? 0) + 64 }
}
