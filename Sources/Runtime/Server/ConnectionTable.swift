// The connections of one server: a table of fixed size, of plain values in memory managed by hand, so
// that serving a request touches one slot and counts no references.
//
// Invariants: slots below `usedMax` are initialised; a slot is either in use or in the free list. A slot's
// generation changes when it is freed, so that an event or timer of an earlier connection finds nothing;
// its serial grows with each request and each connection. Pointers to slots stay valid, since the table
// never moves; whoever keeps one over a call that may close the connection looks it up again.

/// Where a connection stands; each phase has its time-out.
package enum ConnectionPhase: UInt8, Sendable {
  /// Between two requests.
  case idle
  /// A request's head has begun.
  case head
  /// The head is there, its body is not.
  case body
  /// A request was handed to the handler.
  case handling
  /// The last answer was given; what the client still sends is dropped.
  case lingering
}

struct ConnectionFlags: OptionSet, BitwiseCopyable {
  let rawValue: UInt16
  /// The socket may hold unread bytes: its last edge was not read to the end.
  static let readable = ConnectionFlags(rawValue: 1 << 0)
  /// The client has ended its half.
  static let peerFinished = ConnectionFlags(rawValue: 1 << 1)
  /// The request in hand has its whole answer in `output`, or behind it.
  static let answered = ConnectionFlags(rawValue: 1 << 2)
  /// No further request is taken; the connection ends when `output` is empty.
  static let closing = ConnectionFlags(rawValue: 1 << 3)
  /// At the end, unread input is expected.
  static let lingers = ConnectionFlags(rawValue: 1 << 4)
  /// Sending failed: there is nothing left but to close.
  static let broken = ConnectionFlags(rawValue: 1 << 5)
  /// In the queue of connections to go on with.
  static let queued = ConnectionFlags(rawValue: 1 << 6)
  /// At least one request was answered.
  static let served = ConnectionFlags(rawValue: 1 << 7)
  /// The head of an answer in pieces was given.
  static let streaming = ConnectionFlags(rawValue: 1 << 8)
  /// The pieces go out as chunks.
  static let chunked = ConnectionFlags(rawValue: 1 << 9)
  /// The pieces are dropped: HEAD, or a status without a body.
  static let bodiless = ConnectionFlags(rawValue: 1 << 10)
  /// The socket would take no more; the next edge of writability continues.
  static let blocked = ConnectionFlags(rawValue: 1 << 11)
  /// The poller knows the socket.
  static let watched = ConnectionFlags(rawValue: 1 << 12)
  /// The client has begun TLS, and its handshake is not done.
  static let handshaking = ConnectionFlags(rawValue: 1 << 13)
  /// It came to the write proxy's address.
  static let writeProxy = ConnectionFlags(rawValue: 1 << 14)
  /// Its requests are looked at before they are routed.
  static let inspected = ConnectionFlags(rawValue: 1 << 15)
}

/// One connection.
struct Connection {
  var descriptor: Int32 = -1
  var generation: UInt32 = 0
  var serial: UInt64 = 0
  var flags: ConnectionFlags = []
  var phase = ConnectionPhase.idle
  var input = ByteBuffer()
  var output = ByteBuffer()
  var decoder = RequestDecoder()
  var peer = PeerAddress()
  /// Nil on a plain connection. Freed by the server's `endTLS`.
  var tls: UnsafeMutablePointer<TLSSession>?
  /// When the request in hand was complete, in nanoseconds.
  var receivedAt: UInt64 = 0
  /// When the phase, or its last progress, was; in milliseconds of the loop.
  var phaseSince: UInt64 = 0
  /// The bytes of the phase at its last progress.
  var phaseBytes = 0
  /// When output began to wait for the client, or its last progress was; 0 when none waits.
  var outputSince: UInt64 = 0
  /// The bytes sent since then; while lingering, the bytes dropped.
  var movedBytes = 0
  /// When the connection is to be looked at, 0 for never. The timer may be set earlier: it then sets
  /// itself again, which spares rescheduling it with every request.
  var deadline: UInt64 = 0
  var timer = TimerID.none
  var timerAt: UInt64 = 0
  var nextFree: Int32 = -1
}

/// The slots. Freed with its server.
struct ConnectionTable: ~Copyable {
  let capacity: Int
  private let slots: UnsafeMutablePointer<Connection>
  /// Slots in use, or used before.
  private(set) var usedMax = 0
  private var firstFree: Int32 = -1
  /// Connections in the table.
  private(set) var count = 0

  init(capacity: Int) {
    precondition(capacity > 0 && capacity < 1 << ExchangeID.slotBits - 1)
    self.capacity = capacity
    slots = .allocate(capacity: capacity)
  }

  deinit { slots.deallocate() }

  @inline(__always)
  subscript(slot: Int) -> UnsafeMutablePointer<Connection> {
    precondition(slot >= 0 && slot < usedMax)
    return slots + slot
  }

  /// The connection of an event or a timer, if it is still the same.
  @inline(__always)
  func find(slot: Int, generation: UInt32) -> UnsafeMutablePointer<Connection>? {
    guard slot < usedMax, slots[slot].generation == generation, slots[slot].descriptor >= 0 else {
      return nil
    }
    return slots + slot
  }

  /// The connection of an exchange that was not answered yet.
  @inline(__always)
  func find(_ exchange: ExchangeID) -> UnsafeMutablePointer<Connection>? {
    let slot = exchange.slot
    guard slot < usedMax, slots[slot].serial == exchange.serial, slots[slot].phase == .handling,
      !slots[slot].flags.contains(.answered)
    else { return nil }
    return slots + slot
  }

  /// Puts a connection into a free slot; nil when there is none.
  mutating func insert(descriptor: Int32, peer: PeerAddress) -> Int? {
    let slot: Int
    if firstFree >= 0 {
      slot = Int(firstFree)
      firstFree = slots[slot].nextFree
    } else {
      guard usedMax < capacity else { return nil }
      slot = usedMax
      usedMax += 1
      (slots + slot).initialize(to: Connection())
    }
    var connection = Connection()
    connection.descriptor = descriptor
    connection.peer = peer
    connection.generation = slots[slot].generation
    connection.serial = (slots[slot].serial &+ 1) & (1 << 40 - 1)
    slots[slot] = connection
    count += 1
    return slot
  }

  /// Frees a slot, whose buffers, session and timer were given back.
  mutating func remove(_ slot: Int) {
    let connection = self[slot]
    precondition(connection.pointee.descriptor >= 0)
    connection.pointee.descriptor = -1
    connection.pointee.phase = .idle
    connection.pointee.generation &+= 1
    connection.pointee.nextFree = firstFree
    firstFree = Int32(slot)
    count -= 1
  }
}
