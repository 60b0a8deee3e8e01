// Which offsets of a partition are not done, and up to where all are.
//
// Offsets have gaps, so that only what was brought counts. Brought in order, offsets stand in one segment; on
// PostgreSQL an event may come late, with a lower offset than one before it: such ones stand in segments of their
// own, each in order. The watermark is one below the lowest offset that is not done, or the newest one brought.
//
// It goes down when an event comes late below it. That is right, since a commit means: all events up to the offset
// that were brought before are done. The driver knows which offsets may still come, holds what it stores below
// them, and forgets a commit as far as it covers an event that it brings afterwards; the dispatcher commits the
// offset again once that event is done.

/// The offsets of one partition.
struct OffsetWindow: Sendable {
  /// Where an offset stands.
  struct Place: Sendable {
    fileprivate(set) var segment: Int32
    fileprivate(set) var sequence: Int

    static let none = Place(segment: -1, sequence: 0)
  }

  private struct Entry: Sendable {
    var offset: Int64
    /// Of the event's place in the dispatcher's table; -1: done; -2: not done, and not on hand any more.
    var event: Int32
  }

  private struct Segment: Sendable {
    var id: Int32
    var entries: ContiguousArray<Entry> = []
    /// Those before it are done.
    var head = 0
    /// The sequence number of the first of `entries`.
    var base = 0

    func contains(_ offset: Int64) -> Bool {
      var low = head
      var high = entries.count
      while low < high {
        let middle = (low + high) / 2
        if entries[middle].offset < offset { low = middle + 1 } else { high = middle }
      }
      return low < entries.count && entries[low].offset == offset
    }
  }

  /// Offsets done last, to recognise an event that is brought twice; of one brought later still, it is run again.
  private static let recentCountMax = 4_096

  private var segments: [Segment] = [Segment(id: 0)]
  private var segmentIDNext: Int32 = 1
  private let mayComeLate: Bool
  private var recent: Set<Int64> = []
  private var recentOrder: [Int64] = []
  private var recentNext = 0
  /// The highest offset brought; nil before the first.
  private(set) var newest: Int64?

  init(mayComeLate: Bool) { self.mayComeLate = mayComeLate }

  /// Whether an offset was here before. Remembers it.
  mutating func isNew(_ offset: Int64) -> Bool {
    guard let newest, offset <= newest else {
      newest = offset
      return true
    }
    return mayComeLate && !recent.contains(offset) && !segments.contains { $0.contains(offset) }
  }

  /// All up to the offset that was not added is done.
  mutating func raiseNewest(to offset: Int64) { newest = max(newest ?? offset, offset) }

  /// Adds an offset that is new and not done.
  mutating func add(_ offset: Int64, event: Int32) -> Place {
    var index = 0
    while index < segments.count {
      guard let last = segments[index].entries.last, last.offset >= offset else { break }
      index += 1
    }
    if index == segments.count {
      segments.append(Segment(id: segmentIDNext))
      segmentIDNext &+= 1
    }
    segments[index].entries.append(Entry(offset: offset, event: event))
    return Place(
      segment: segments[index].id, sequence: segments[index].base + segments[index].entries.count - 1)
  }

  /// The event at a place is done.
  mutating func finish(_ place: Place) {
    guard let index = segments.firstIndex(where: { $0.id == place.segment }) else { return }
    let at = place.sequence - segments[index].base
    segments[index].entries[at].event = -1
    guard at == segments[index].head else { return }
    while segments[index].head < segments[index].entries.count {
      let entry = segments[index].entries[segments[index].head]
      guard entry.event == -1 else { break }
      if mayComeLate { remember(entry.offset) }
      segments[index].head += 1
    }
    let head = segments[index].head
    let count = segments[index].entries.count
    if head == count, segments[index].id != 0 {
      segments.remove(at: index)
    } else if head == count || head >= 1_024 && head * 2 >= count {
      segments[index].entries.removeFirst(head)
      segments[index].base += head
      segments[index].head = 0
    }
  }

  /// The event at a place is not on hand any more, and not done.
  mutating func forget(_ place: Place) {
    guard let index = segments.firstIndex(where: { $0.id == place.segment }) else { return }
    segments[index].entries[place.sequence - segments[index].base].event = -2
  }

  /// The lowest offset that is not done.
  var unfinishedMin: Int64? {
    var lowest: Int64?
    for segment in segments where segment.head < segment.entries.count {
      let offset = segment.entries[segment.head].offset
      lowest = min(lowest ?? offset, offset)
    }
    return lowest
  }

  /// All offsets brought up to it are done; nil before the first.
  var watermark: Int64? {
    if let unfinishedMin { return unfinishedMin - 1 }
    return newest
  }

  /// The events on hand that are not done, in order of their offsets.
  var events: [Int32] {
    segments.flatMap { $0.entries[$0.head...].filter { $0.event >= 0 } }
      .sorted { $0.offset < $1.offset }.map(\.event)
  }

  private mutating func remember(_ offset: Int64) {
    recent.insert(offset)
    if recentOrder.count < Self.recentCountMax {
      recentOrder.append(offset)
      return
    }
    recent.remove(recentOrder[recentNext])
    recentOrder[recentNext] = offset
    recentNext = (recentNext + 1) % Self.recentCountMax
  }
}
