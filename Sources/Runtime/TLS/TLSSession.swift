// The TLS state of one connection, and what all sessions of a worker share. Unsafe: memory managed by hand, as
// the connection's slot is; made when a connection is accepted, freed when it is closed.
//
// Invariants: `sealed` is the encrypted form of the first `sealedCount` bytes of the connection's output, with
// what the protocol itself says in front. Those bytes leave the output only when `sealed` has been sent, so that
// "the output is empty" means the same as on a plain connection: the client has been sent everything.

import CTLS

/// One connection's session.
struct TLSSession {
  private let handle: OpaquePointer
  /// Ciphertext that was read and is not decrypted yet.
  var unread = ByteBuffer()
  /// Ciphertext that the socket has not taken yet.
  var sealed = ByteBuffer()
  var sealedCount = 0
  /// The client has sent something.
  var hasBegun = false
  /// The last call stopped for want of room: the library may hold more.
  var holdsMore = false
  /// Nothing more can be decrypted.
  var hasEnded = false
  /// The protocol was broken: there is no goodbye to say.
  var hasFailed = false
  /// The end of our half was said.
  var isFinished = false

  /// Nil without memory.
  init?(_ context: TLSContext, _ io: UnsafeMutablePointer<spacer_tls_io>) {
    guard let handle = spacer_tls_session_new(context.handle, io) else { return nil }
    self.handle = handle
  }

  /// Frees what the session holds.
  mutating func end(_ pool: inout BufferPool) {
    spacer_tls_session_free(handle)
    unread.release(&pool)
    sealed.release(&pool)
  }

  var isEstablished: Bool { spacer_tls_is_established(handle) != 0 }

  /// Decrypts into `room`; the handshake goes on by itself.
  func read(_ room: UnsafeMutableRawBufferPointer) -> (status: spacer_tls_read_status, count: Int) {
    var count = 0
    let status = spacer_tls_read(handle, room.baseAddress, room.count, &count)
    return (status, count)
  }

  /// Encrypts; false when that can never work again.
  func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    spacer_tls_write(handle, bytes.baseAddress, bytes.count) != 0
  }

  /// Says that we send no more.
  func finish() { spacer_tls_finish(handle) }
}

/// The memory that sessions read ciphertext from and write it to, one call at a time. Owned by one server.
struct TLSExchange: ~Copyable {
  /// What one read of a socket takes at most.
  private static let windowBytes = 64 * 1_024
  /// What is encrypted at a time: four full records.
  static let pieceBytes = 64 * 1_024

  let io: UnsafeMutablePointer<spacer_tls_io>
  /// What was read from a socket last; empty on a server that never had a certificate.
  private(set) var window = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  init() {
    io = .allocate(capacity: 1)
    io.initialize(to: spacer_tls_io())
  }

  deinit {
    spacer_tls_io_release(io)
    io.deallocate()
    window.deallocate()
  }

  mutating func prepare() {
    if window.count == 0 { window = .allocate(byteCount: Self.windowBytes, alignment: 16) }
  }

  /// Begins a call to a session, with nothing produced yet.
  func begin() {
    feed(UnsafeRawBufferPointer(start: nil, count: 0))
    io.pointee.out_count = 0
  }

  /// Gives ciphertext to be decrypted. It is only borrowed, until the call ends.
  func feed(_ ciphertext: UnsafeRawBufferPointer) {
    io.pointee.in = ciphertext.baseAddress?.assumingMemoryBound(to: UInt8.self)
    io.pointee.in_count = ciphertext.count
  }

  /// The ciphertext that was not used up.
  var rest: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: io.pointee.in, count: io.pointee.in_count)
  }

  /// The ciphertext to be sent; valid until the next call.
  var produced: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: io.pointee.out, count: io.pointee.out_count)
  }
}

/// How a client that speaks plain HTTP is told from one that speaks TLS.
enum TLSOpening {
  /// Whether a connection's first byte begins a request line: a method is in capitals, and no type of TLS
  /// record is a letter.
  static func isPlainHTTP(_ first: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) }
}
