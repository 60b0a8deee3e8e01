// One call of a function, from its arguments to its answer. Calls live in a table of slots: a slot's
// coroutine and globals table sit at fixed places of the Lua main thread's stack, so starting a call
// allocates nothing on the Swift side.

import CLua

/// Where a call's answer goes and what it needs to get there.
struct Call {
  enum State: UInt8 { case free, running, parked }

  /// The coroutine, made on first use of the slot; nil before.
  var coroutine: OpaquePointer?
  var state = State.free
  /// It waited at least once, so that it stands in `Dispatcher.parked`.
  var wasParked = false
  /// The request it answers; meaningless for a child.
  var exchange = ExchangeID(rawValue: .max)
  /// The slot of the call that made it with `flow.call`, or -1.
  var parent: Int32 = -1
  /// It was called past the gateway: its query may hold the internal token, which nobody is shown.
  var isByName = false
  /// How many calls are above it.
  var depth: Int32 = 0
  /// Index into `Dispatcher.generations`.
  var generation: Int32 = 0
  var module: Int32 = 0
  /// Index of the route, -1 when no route led here.
  var route: Int32 = -1
  /// The loop's time when it began, in nanoseconds.
  var start: UInt64 = 0
  var trace = TraceContext()
  /// Ends it when its time is over; set once it waits.
  var timer = TimerID.none
  /// Tells this call from those that had its slot before.
  var serial: UInt32 = 0
  /// It answers nobody: a deferred function or a run of a trigger.
  var isDetached = false
  /// It holds resources or has deferred functions.
  var hasExtras = false
  /// What its runs that ended in a wait added to the state's memory, in bytes.
  var heldBytes = 0
}

/// The calls of one worker.
struct CallTable: ~Copyable {
  // Invariant: `slots` holds `capacity` initialised calls; `free` lists the slots below `used` that are free.
  private let slots: UnsafeMutablePointer<Call>
  let capacity: Int
  private var used = 0
  private var free: [Int32] = []

  init(capacity: Int) {
    self.capacity = capacity
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Call(), count: capacity)
    free.reserveCapacity(64)
  }

  deinit { slots.deallocate() }

  /// How many calls are running or parked.
  var inUse: Int { used - free.count }

  /// A free slot, or nil when the limit is reached.
  @inline(__always)
  mutating func take() -> Int32? {
    if let slot = free.popLast() { return slot }
    guard used < capacity else { return nil }
    used += 1
    return Int32(truncatingIfNeeded: used - 1)
  }

  @inline(__always)
  mutating func release(_ slot: Int32) {
    self[slot].state = .free
    free.append(slot)
  }

  @inline(__always)
  subscript(slot: Int32) -> Call {
    _read {
      precondition(slot >= 0 && slot < capacity)
      yield slots[Int(slot)]
    }
    nonmutating _modify {
      precondition(slot >= 0 && slot < capacity)
      yield &slots[Int(slot)]
    }
  }

  /// Main-stack index of the slot's coroutine; the globals table is at the next one.
  @inline(__always)
  static func anchor(_ slot: Int32) -> Int32 { Generation.anchorEnd + slot * 2 }
}
