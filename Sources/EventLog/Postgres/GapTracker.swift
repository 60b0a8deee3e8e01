// Offsets that are missing below the newest one seen, as a pure value.
//
// A transaction takes its offsets from the table's sequence before it commits, so a higher offset can be there
// before a lower one. A missing offset comes late, or never: its transaction was rolled back. Which of the two is
// decided by a lock: whoever takes a value from a sequence holds a lock on that sequence until its transaction has
// ended, and PostgreSQL makes a transaction's rows visible before it lets its locks go. So of an offset that is
// missing, look at who holds the lock (its holders, by their virtual transaction ids) and then look for the offset
// again: if it is still missing, only one of these can bring it; once none of them holds the lock any more, one
// last look decides. Other transactions, however old, play no part in it.
//
// A prepared transaction changes its id: while there is one, every gap stays open.

struct GapTracker: Equatable {
  /// Offsets from `first` to `last`, all missing.
  struct Gap: Equatable {
    var first: Int64
    var last: Int64
    /// Transactions that may bring them; empty when there are none: one last look, and it is closed.
    var holders: Set<String>
  }

  /// In order, apart from each other.
  private(set) var gaps: [Gap] = []

  var isEmpty: Bool { gaps.isEmpty }
  /// The lowest offset that may come late.
  var first: Int64? { gaps.first?.first }

  /// The lowest offset at or above `offset` that may come late.
  func first(from offset: Int64) -> Int64? {
    let index = index(of: offset)
    guard index < gaps.count else { return nil }
    return max(gaps[index].first, offset)
  }

  func contains(_ offset: Int64) -> Bool {
    let index = index(of: offset)
    return index < gaps.count && gaps[index].first <= offset
  }

  /// Notes that offsets are missing. `holders` had been looked at before the offsets were last looked for.
  mutating func note(missing ranges: [ClosedRange<Int64>], holders: Set<String>) {
    for range in ranges { note(range, holders) }
  }

  private mutating func note(_ range: ClosedRange<Int64>, _ holders: Set<String>) {
    var next = range.lowerBound
    var index = index(of: next)
    while next <= range.upperBound {
      if index < gaps.count, gaps[index].first <= next {
        // Known already, and missing still.
        split(at: next, &index)
        split(after: range.upperBound, index)
        next = gaps[index].last + 1
        gaps[index].holders = Self.remaining(gaps[index].holders, holders)
        if gaps[index].holders.isEmpty { gaps.remove(at: index) } else { index += 1 }
      } else {
        let end = index < gaps.count ? min(range.upperBound, gaps[index].first - 1) : range.upperBound
        if !holders.isEmpty {
          gaps.insert(Gap(first: next, last: end, holders: holders), at: index)
          index += 1
        }
        next = end + 1
      }
    }
  }

  /// Notes who holds the lock now. The gaps are looked at afterwards, what is found is told by `fill`, and then
  /// `closeSettled` is called.
  mutating func look(holders: Set<String>) {
    for index in gaps.indices { gaps[index].holders = Self.remaining(gaps[index].holders, holders) }
  }

  /// An offset is there. True when it had been missing.
  @discardableResult
  mutating func fill(_ offset: Int64) -> Bool {
    let index = index(of: offset)
    guard index < gaps.count, gaps[index].first <= offset else { return false }
    let gap = gaps.remove(at: index)
    if offset < gap.last {
      gaps.insert(Gap(first: offset + 1, last: gap.last, holders: gap.holders), at: index)
    }
    if gap.first < offset {
      gaps.insert(Gap(first: gap.first, last: offset - 1, holders: gap.holders), at: index)
    }
    return true
  }

  /// Forgets what nobody can bring any more.
  mutating func closeSettled() { gaps.removeAll { $0.holders.isEmpty } }

  /// Forgets the oldest gaps above a number; for readers that meet them again.
  mutating func keepNewest(_ count: Int) { gaps.removeFirst(max(0, gaps.count - count)) }

  private static func remaining(_ before: Set<String>, _ now: Set<String>) -> Set<String> {
    before.intersection(now).union(now.filter { $0.hasPrefix("-1/") })
  }

  /// The first gap that does not end before `offset`.
  private func index(of offset: Int64) -> Int {
    var (low, high) = (0, gaps.count)
    while low < high {
      let middle = (low + high) / 2
      if gaps[middle].last < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Makes a gap begin at `offset`, which the gap at `index` holds.
  private mutating func split(at offset: Int64, _ index: inout Int) {
    guard gaps[index].first < offset else { return }
    var rest = gaps[index]
    gaps[index].last = offset - 1
    rest.first = offset
    index += 1
    gaps.insert(rest, at: index)
  }

  /// Makes the gap at `index` end at `offset` at the latest.
  private mutating func split(after offset: Int64, _ index: Int) {
    guard gaps[index].last > offset else { return }
    var rest = gaps[index]
    gaps[index].last = offset
    rest.first = offset + 1
    gaps.insert(rest, at: index + 1)
  }

  /// What is missing between `offset` and the offsets that follow it, which are in order.
  static func missing(after offset: Int64, in present: some Sequence<Int64>) -> [ClosedRange<Int64>] {
    var ranges: [ClosedRange<Int64>] = []
    guard offset < .max else { return ranges }
    // Sequences begin at 1.
    var next = max(offset, 0) + 1
    for offset in present where offset >= next {
      if offset > next { ranges.append(next...(offset - 1)) }
      next = offset.nextOffset
    }
    return ranges
  }
}
