// The dispatcher's state, in tables of slots that name each other by place. -1 is no place.
//
//   partition ── keys ──► key ── its lanes ──► lane: the events of one key for one trigger, in order
//                                                │
//                                                └─ items, a linked list: an event for one trigger ──► held event
//
// A lane is in at most one run, and that is the order per key: what runs of it are its first items.

/// An event on hand, until all its triggers are done with it.
struct HeldEvent: Sendable {
  /// What handlers see.
  var record: EventRecord
  /// Of the internal topic.
  var special: SpecialEvent?
  var partition: Int32 = -1
  var place = OffsetWindow.Place.none
  /// Items that refer to it.
  var itemCount: Int32 = 0
  /// None of its items was dropped undone.
  var isWhole = true
  var byteCount = 0

  /// What an event counts beside its key and payload, about.
  static let overheadBytes = 256

  static let empty = HeldEvent(
    record: EventRecord(topic: "", partition: 0, offset: 0, key: [], value: [], timestampMilliseconds: 0))
}

/// What an event of the internal topic has beyond others. A class, since others shall not carry its size.
final class SpecialEvent: Sendable {
  /// As it was brought.
  let envelope: EventRecord
  let schedule: InternalEvent.Schedule?
  /// What it retries.
  let earlier: DeadLetter?

  init(envelope: EventRecord, schedule: InternalEvent.Schedule? = nil, earlier: DeadLetter? = nil) {
    self.envelope = envelope
    self.schedule = schedule
    self.earlier = earlier
  }
}

/// An event for one trigger.
struct DispatchItem: Sendable {
  var event: Int32 = -1
  /// The next one of the lane.
  var next: Int32 = -1
  var attempts: Int32 = 0
  var isFinal = false
  /// Its age does not count.
  var isAgeless = false
  /// In milliseconds since 1970; nil when it did not fail.
  var firstFailure: Int64?
  var lastFailure: Int64 = 0
  var message = ""
}

/// A key of a partition, as long as it has lanes.
struct DispatchKey: Sendable {
  var bytes: KeyBytes
  var partition: Int32
  var firstLane: Int32 = -1
}

/// A key, hashed at once instead of byte by byte.
struct KeyBytes: Hashable, Sendable {
  var bytes: [UInt8]

  func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}

/// The events of one key for one trigger.
struct DispatchLane: Sendable {
  enum State: Sendable {
    /// In no queue.
    case idle
    /// In its trigger's ready queue.
    case ready
    /// Its first `runCount` items run. Those of a partition that was lost meanwhile are gone; the lane stays, so
    /// that the key is not run twice at a time when the partition comes back.
    case running
    /// For its time.
    case waiting
    /// Part of a bundle.
    case bundled
    /// Its first item is on its way to the dead letters.
    case storing
  }

  var key: Int32 = -1
  var trigger: Int32 = -1
  var state = State.idle
  var head: Int32 = -1
  var tail: Int32 = -1
  var count: Int32 = 0
  var runCount: Int32 = 0
  var nextOfKey: Int32 = -1
  /// On the monotonic clock.
  var readySince: Int64 = 0
  /// Place of the dead letter while `storing`.
  var letter: Int32 = -1
}

/// The first items of a lane, in a run or a bundle.
struct LanePart: Sendable {
  /// Its name.
  var lane: UInt64
  var count: Int32
  /// Of the partition, when the run began.
  var epoch: UInt32 = 0
}

/// A run in flight.
struct DispatchRun: Sendable {
  var trigger: Int32 = -1
  /// The parts; `first` apart from the others, since most runs have one.
  var first = LanePart(lane: 0, count: 0)
  var others: [LanePart] = []
  /// Not to be joined with others.
  var isBundle = false
}

/// A part of a batch that failed: to be run apart from others.
struct DispatchBundle: Sendable {
  var trigger: Int32 = -1
  var parts: [LanePart] = []
}

/// A dead letter on its way to storage.
struct PendingLetter: Sendable {
  var lane: Int32
  var letter: DeadLetter
  /// Otherwise it waits to be asked for again.
  var isInFlight = true
  var failureCount = 0
}

/// What a trigger is at.
struct TriggerState: Sendable {
  var isPaused = false
  var runCount = 0
  /// Names of lanes. A name whose lane is gone, or not ready, is skipped.
  var ready = PlaceQueue()
  /// Items of ready lanes.
  var readyItemCount = 0
  /// Names of bundles.
  var readyBundles = PlaceQueue()
}

/// A partition that is ours, or was.
struct PartitionState: Sendable {
  enum Ownership: Sendable { case none, owned, revoking }

  var id: TopicPartition
  var topic: Int
  var ownership = Ownership.none
  /// Grows with each assignment and loss.
  var epoch: UInt32 = 0
  var window: OffsetWindow
  var keys: [KeyBytes: Int32] = [:]
  /// Lanes that run or store. Runs of an earlier epoch count as well: the partition is not given back before they end.
  var busyCount = 0
  var eventCount = 0
  var eventBytes = 0
  var isPaused = false
  /// What was handed out to be committed.
  var committed: Int64?
  /// In the dispatcher's list of the same name.
  var isUncommitted = false
  var isChanged = false
}
