// Every system call of the runtime, in one place. Each goes through one of two helpers, which retry an
// interrupted call; `retrying` throws with the call's name, `nonBlocking` makes would-block a case of its
// result, since on a non-blocking descriptor that is an answer and not a failure.

import CSystem
import Glibc

/// A system call that failed: which one, and the system's error number.
package struct SystemCallError: Error, Equatable, CustomStringConvertible {
  package let call: String
  package let code: Int32

  package init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  package var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// What a call on a non-blocking descriptor came to.
package enum NonBlockingResult: Equatable {
  case done(Int)
  case wouldBlock
  /// The system's error number.
  case failed(Int32)
}

/// The system calls, with Swift's types and errors.
package enum SystemCalls {
  @inline(__always)
  private static func nonBlocking(_ body: () -> Int) -> NonBlockingResult {
    while true {
      let result = body()
      if result >= 0 { return .done(result) }
      let code = errno
      switch code {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .failed(code)
      }
    }
  }

  @inline(__always) @discardableResult
  private static func retrying(_ call: String, _ body: () -> Int32) throws(SystemCallError) -> Int32 {
    while true {
      let result = body()
      if result >= 0 { return result }
      let code = errno
      if code != EINTR { throw SystemCallError(call: call, code: code) }
    }
  }

  // MARK: Descriptors

  /// Closes a descriptor; an error leaves nothing to do, and after EINTR the descriptor is gone on Linux.
  package static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

  /// Another descriptor of the same open file.
  package static func duplicate(_ descriptor: Int32) throws(SystemCallError) -> Int32 {
    try retrying("fcntl") { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
  }

  package static func read(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> NonBlockingResult {
    nonBlocking { Glibc.read(descriptor, bytes.baseAddress, bytes.count) }
  }

  package static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> NonBlockingResult {
    nonBlocking { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
  }

  package static func eventDescriptor() throws(SystemCallError) -> Int32 {
    try retrying("eventfd") { eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) }
  }

  // MARK: Clocks

  /// The monotonic clock, in nanoseconds.
  package static func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// The wall clock: seconds since 1970 and the nanoseconds of the second.
  package static func wallClock() -> (seconds: Int64, nanoseconds: Int64) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return (Int64(time.tv_sec), Int64(time.tv_nsec))
  }

  // MARK: epoll

  static func epollCreate() throws(SystemCallError) -> Int32 {
    try retrying("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
  }

  static func epollControl(
    _ poller: Int32, _ operation: Int32, _ descriptor: Int32, events: UInt32, token: UInt64
  ) throws(SystemCallError) {
    var event = epoll_event(events: events, data: epoll_data_t(u64: token))
    try retrying("epoll_ctl") { epoll_ctl(poller, operation, descriptor, &event) }
  }

  /// Waits for events; an interrupted wait is one without events, so that its caller's clock moves on.
  static func epollWait(
    _ poller: Int32, _ events: UnsafeMutableBufferPointer<epoll_event>, milliseconds: Int32
  ) throws(SystemCallError) -> Int {
    let count = epoll_wait(poller, events.baseAddress, Int32(events.count), milliseconds)
    if count >= 0 { return Int(count) }
    let code = errno
    if code == EINTR { return 0 }
    throw SystemCallError(call: "epoll_wait", code: code)
  }

  // MARK: Sockets

  package static func socket(family: Int32) throws(SystemCallError) -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    return try retrying("socket") { Glibc.socket(family, type, 0) }
  }

  package static func setOption(
    _ descriptor: Int32, level: Int32, name: Int32, value: Int32
  ) throws(SystemCallError) {
    var value = value
    try retrying("setsockopt") {
      setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  static func bind(
    _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, count: socklen_t
  ) throws(SystemCallError) {
    try retrying("bind") { Glibc.bind(descriptor, address, count) }
  }

  package static func listen(_ descriptor: Int32, backlog: Int32) throws(SystemCallError) {
    try retrying("listen") { Glibc.listen(descriptor, backlog) }
  }

  /// Accepts one connection, non-blocking and closed on exec; its peer goes to `address`.
  static func accept(
    _ descriptor: Int32, _ address: inout sockaddr_storage
  ) -> NonBlockingResult {
    var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return nonBlocking {
      withUnsafeMutablePointer(to: &address) { storage in
        storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Int(spacer_accept(descriptor, $0, &count))
        }
      }
    }
  }

  static func localAddress(_ descriptor: Int32) throws(SystemCallError) -> sockaddr_storage {
    var address = sockaddr_storage()
    var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
    try retrying("getsockname") {
      withUnsafeMutablePointer(to: &address) { storage in
        storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &count) }
      }
    }
    return address
  }

  /// Two connected stream sockets of this process, which do not block.
  static func socketPair() throws(SystemCallError) -> (Int32, Int32) {
    var pair: (Int32, Int32) = (-1, -1)
    try retrying("socketpair") {
      withUnsafeMutableBytes(of: &pair) {
        Glibc.socketpair(
          AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
          0,
          $0.assumingMemoryBound(to: Int32.self).baseAddress)
      }
    }
    return pair
  }

  package static func receive(
    _ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer
  ) -> NonBlockingResult {
    nonBlocking { recv(descriptor, bytes.baseAddress, bytes.count, 0) }
  }

  /// Sends without SIGPIPE.
  package static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> NonBlockingResult {
    nonBlocking { Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
  }

  /// Sends two pieces in one call, without SIGPIPE.
  package static func send(
    _ descriptor: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) -> NonBlockingResult {
    var pieces = (
      iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count),
      iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
    )
    return withUnsafeMutablePointer(to: &pieces) { pieces in
      pieces.withMemoryRebound(to: iovec.self, capacity: 2) { vector in
        var message = msghdr()
        message.msg_iov = vector
        message.msg_iovlen = 2
        return nonBlocking { sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL)) }
      }
    }
  }

  /// Ends our half of the connection; an error means that the peer is gone already.
  package static func shutdownWriting(_ descriptor: Int32) {
    _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
  }
}
