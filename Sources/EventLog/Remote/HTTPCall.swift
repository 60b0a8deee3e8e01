// One request on a connection of its own, blocking, with a bound on each wait. Unsafe: addresses of the system's
// resolver are used while their list lives, and buffers while their array is borrowed.

import CSystem
import Glibc
import SpacerSystem

/// Sends one request and waits for its answer.
struct HTTPCall {
  private static let connectMilliseconds: Int64 = 5_000

  let address: RemoteAddress
  private let descriptor: Int32

  /// - Throws: `unavailable` when nobody answers at the address.
  init(_ address: RemoteAddress) throws(EventLogError) {
    self.address = address
    descriptor = try Self.connect(address)
  }

  func close() { Glibc.close(descriptor) }

  /// - Parameter token: For `Authorization: Bearer`.
  /// - Throws: `outcomeUnknown` once the request may have been received.
  func post(
    _ path: String, token: String?, body: [UInt8], answerMilliseconds: Int
  ) throws(EventLogError) -> (status: Int, body: [UInt8]) {
    var head = "POST \(path) HTTP/1.1\r\nHost: \(address.authority)\r\nConnection: close\r\n"
    head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n"
    if let token {
      guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw EventLogError(.failed, "the token holds a character that no token can have")
      }
      head += "Authorization: Bearer \(token)\r\n"
    }
    let deadline = Self.now + Int64(answerMilliseconds)
    // A server that refuses early may close its side before all is sent: its answer counts.
    let isSent = send(Array((head + "\r\n").utf8), deadline) && send(body, deadline)
    var answer = HTTPAnswer()
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = try receive(into: &chunk, deadline)
      guard count > 0 else {
        throw EventLogError(
          .outcomeUnknown,
          "the server at \(address) ended the connection \(isSent ? "before it answered" : "too early")")
      }
      do throws(HTTPAnswer.Malformed) {
        try answer.feed(chunk[..<count])
      } catch {
        throw EventLogError(
          .incompatible, "what answers at \(address) is no Spacer server: \(error.reason)")
      }
      if let body = answer.body { return (answer.status, body) }
    }
  }

  private static var now: Int64 { SystemClock.machine.monotonicMilliseconds() }

  /// Waits for the socket; false when the time is over.
  private static func wait(_ descriptor: Int32, _ events: Int32, _ deadline: Int64) -> Bool {
    while true {
      let left = deadline - now
      guard left > 0 else { return false }
      var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      let count = poll(&entry, 1, Int32(clamping: left))
      if count > 0 { return true }
      if count < 0, errno != EINTR { return false }
    }
  }

  /// False when the other side takes no more.
  private func send(_ bytes: [UInt8], _ deadline: Int64) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { all in
        Glibc.send(
          descriptor, all.baseAddress.map { $0 + sent }, all.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
      } else if errno == EAGAIN {
        guard Self.wait(descriptor, POLLOUT, deadline) else { return false }
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }

  private func receive(into chunk: inout [UInt8], _ deadline: Int64) throws(EventLogError) -> Int {
    while true {
      let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
      if count >= 0 { return count }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        guard Self.wait(descriptor, POLLIN, deadline) else {
          throw EventLogError(.outcomeUnknown, "the server at \(address) did not answer in time")
        }
      default: return 0
      }
    }
  }

  // MARK: Connecting

  private static func connect(_ address: RemoteAddress) throws(EventLogError) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(address.host, String(address.port), &hints, &list)
    guard code == 0, let list else {
      throw EventLogError(
        .unavailable, "the name '\(address.host)' cannot be resolved: \(String(cString: gai_strerror(code)))")
    }
    defer { freeaddrinfo(list) }
    let deadline = now + connectMilliseconds
    var reason = "no address"
    var next: UnsafeMutablePointer<addrinfo>? = list
    while let entry = next {
      next = entry.pointee.ai_next
      let descriptor = socket(
        entry.pointee.ai_family,
        Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
      guard descriptor >= 0 else {
        reason = String(cString: strerror(errno))
        continue
      }
      let failure = connect(descriptor, entry.pointee, deadline)
      if failure == 0 { return descriptor }
      reason = String(cString: strerror(failure))
      Glibc.close(descriptor)
    }
    throw EventLogError(.unavailable, "no server answers at \(address) (\(reason))")
  }

  /// The system's code; 0 when it is connected.
  private static func connect(_ descriptor: Int32, _ entry: addrinfo, _ deadline: Int64) -> Int32 {
    if Glibc.connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return 0 }
    guard errno == EINPROGRESS || errno == EINTR else { return errno }
    guard wait(descriptor, POLLOUT, deadline) else { return ETIMEDOUT }
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return errno }
    return code
  }
}
