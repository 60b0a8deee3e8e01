// Appends between their hand-over to the client and the last delivery report. A value: reports and times in,
// completions out. A slot is used again only when all its reports came, so that none meets another's request.

/// Appends that wait for their delivery.
struct KafkaPendingAppends {
  /// What became of an append: to be called without a lock.
  struct Completed {
    var append: PendingAppend
    var result: Result<AppendOutcome, EventLogError>

    func run() { append.complete(result) }
  }

  private struct Slot {
    /// Nil when it was told.
    var append: PendingAppend?
    var count: Int
    /// Of a single entry, which most requests have, or of the first.
    var firstOffset: Int64 = -1
    /// Of several entries; empty otherwise.
    var offsets: [Int64]
    /// Reports that have not come.
    var waiting: Int
    var deliveredCount = 0
    var error: EventLogError?
    var byteCount: Int
    var deadlineMilliseconds: Int64
  }

  /// Of a number, for the entry: the bounds on entries are far below.
  private static let entryBits = 20

  private var slots: [Slot] = []
  private var free: [Int] = []
  private(set) var byteCount = 0
  private(set) var entryCount = 0
  /// Not above the first deadline that comes.
  private var nextDeadlineMilliseconds = Int64.max
  let bytesMax: Int
  let entriesMax: Int

  init(bytesMax: Int, entriesMax: Int) {
    self.bytesMax = bytesMax
    self.entriesMax = entriesMax
  }

  var isEmpty: Bool { slots.count == free.count }

  /// Takes a request in; nil when more is waiting than may. Its entries are reported as `number(slot, entry)`.
  mutating func add(
    _ append: PendingAppend, entryCount count: Int, byteCount bytes: Int, deadlineMilliseconds: Int64
  ) -> Int? {
    guard isEmpty || (byteCount + bytes <= bytesMax && entryCount + count <= entriesMax) else { return nil }
    byteCount += bytes
    entryCount += count
    nextDeadlineMilliseconds = min(nextDeadlineMilliseconds, deadlineMilliseconds)
    let slot = Slot(
      append: append, count: count, offsets: count > 1 ? [Int64](repeating: -1, count: count) : [],
      waiting: count, byteCount: bytes, deadlineMilliseconds: deadlineMilliseconds)
    if let index = free.popLast() {
      slots[index] = slot
      return index
    }
    slots.append(slot)
    return slots.count - 1
  }

  static func number(slot: Int, entry: Int) -> UInt64 { UInt64(slot) << entryBits | UInt64(entry) }

  /// One entry's report; what it completes.
  mutating func report(_ number: UInt64, _ result: Result<Int64, EventLogError>) -> Completed? {
    let index = Int(number >> Self.entryBits)
    let entry = Int(number & (1 << Self.entryBits - 1))
    guard index < slots.count, entry < slots[index].count, slots[index].waiting > 0 else { return nil }
    slots[index].waiting -= 1
    switch result {
    case .success(let offset):
      if entry == 0 { slots[index].firstOffset = offset }
      if slots[index].count > 1 { slots[index].offsets[entry] = offset }
      slots[index].deliveredCount += 1
    case .failure(let error):
      // One that may be stored outweighs those that are not.
      if slots[index].error == nil || error.code == .outcomeUnknown { slots[index].error = error }
    }
    guard slots[index].waiting == 0 else { return nil }
    byteCount -= slots[index].byteCount
    entryCount -= slots[index].count
    free.append(index)
    guard let append = slots[index].append else { return nil }
    let result = Self.result(slots[index])
    slots[index].append = nil
    slots[index].offsets = []
    slots[index].error = nil
    return Completed(append: append, result: result)
  }

  private static func result(_ slot: Slot) -> Result<AppendOutcome, EventLogError> {
    let count = slot.count
    guard let error = slot.error else {
      return .success(AppendOutcome(offsets: count > 1 ? AppendedOffsets(slot.offsets) : [slot.firstOffset]))
    }
    guard count > 1 else { return .failure(error) }
    let code = slot.deliveredCount > 0 ? .outcomeUnknown : error.code
    return .failure(
      EventLogError(
        code, "\(slot.deliveredCount) of \(count) events were stored; of the others: \(error.message)"))
  }

  /// Gives up waiting for what is late; its reports are still taken.
  mutating func expire(nowMilliseconds now: Int64) -> [Completed] {
    guard now >= nextDeadlineMilliseconds else { return [] }
    nextDeadlineMilliseconds = .max
    var late: [Completed] = []
    for index in slots.indices where slots[index].waiting > 0 {
      guard let append = slots[index].append else { continue }
      guard slots[index].deadlineMilliseconds <= now else {
        nextDeadlineMilliseconds = min(nextDeadlineMilliseconds, slots[index].deadlineMilliseconds)
        continue
      }
      slots[index].append = nil
      late.append(Completed(append: append, result: .failure(Self.lateError(slots[index]))))
    }
    return late
  }

  /// Gives up waiting for everything.
  mutating func giveUp() -> [Completed] { expire(nowMilliseconds: .max) }

  private static func lateError(_ slot: Slot) -> EventLogError {
    let count = slot.count
    let stored = count > 1 ? "; \(slot.deliveredCount) of \(count) events are known to be stored" : ""
    return EventLogError(
      .outcomeUnknown, "Kafka did not acknowledge in time, and may still store what was appended\(stored)")
  }
}
