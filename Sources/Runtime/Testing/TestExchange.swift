// Requests of tests. Their bytes go to the worker's own HTTP server over a pair of connected sockets, so that what a
// test sees is what a client would see: every limit, route and header is the served one. Nothing listens anywhere.

import CLua

/// A test that waits for an answer.
private final class TestExchangeWait: Wait {
  var exchange: TestExchange?

  override func cancelled(_ dispatcher: Dispatcher) { exchange?.close() }
}

/// The client's end of one request. Belongs to the loop's thread; the loop holds it until it is closed.
private final class TestExchange: EventSource {
  private unowned(unsafe) let loop: EventLoop
  private let descriptor: Int32
  private var source = SourceID.primary
  private var isOpen = true
  private var unsent: ArraySlice<UInt8>
  private var received: [UInt8] = []
  private let whenEnded: ([UInt8]) -> Void

  private static let chunkBytes = 64 << 10

  init(_ loop: EventLoop, _ descriptor: Int32, _ request: [UInt8], whenEnded: @escaping ([UInt8]) -> Void) {
    self.loop = loop
    self.descriptor = descriptor
    unsent = request[...]
    self.whenEnded = whenEnded
  }

  func begin() throws(SystemCallError) {
    source = loop.register(self)
    try loop.watch(descriptor, [.readable, .writable], 0, for: source)
  }

  override func ready(_ token: UInt64, _ events: PollEvents) {
    send()
    receive()
  }

  private func send() {
    guard isOpen, !unsent.isEmpty else { return }
    switch unsent.withUnsafeBytes({ SystemCalls.send(descriptor, $0) }) {
    case .done(let count): unsent = unsent.dropFirst(count)
    case .wouldBlock: return
    // The server has closed its side; the answer may be there all the same.
    case .failed: unsent = []
    }
    if unsent.isEmpty { try? loop.rewatch(descriptor, .readable, 0, for: source) }
  }

  private func receive() {
    var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
    while isOpen {
      switch chunk.withUnsafeMutableBytes({ SystemCalls.receive(descriptor, $0) }) {
      case .done(let count) where count > 0: received += chunk[..<count]
      case .wouldBlock: return
      case .done, .failed:
        close()
        whenEnded(received)
      }
    }
  }

  func close() {
    guard isOpen else { return }
    isOpen = false
    try? loop.unwatch(descriptor)
    SystemCalls.close(descriptor)
    loop.unregister(source)
  }
}

extension TestBench {
  /// `exchange(text)`: the test waits until the answer is there, and what the function deferred is done.
  func exchange(_ state: OpaquePointer) -> Int32 {
    guard let request = LuaStack(state).bytes(at: 1).map({ Array($0) }), let loop = dispatcher.loop,
      let server = dispatcher.server
    else { return dispatcher.raise(state, "there is no server", at: true) }
    let wait = TestExchangeWait()
    do throws(SystemCallError) {
      let (client, served) = try SystemCalls.socketPair()
      let exchange = TestExchange(loop, client, request) { [unowned(unsafe) self] answer in
        afterDeferred { [unowned(unsafe) self] in
          enterTestCode()
          dispatcher.complete(wait) { coroutine in
            answer.withUnsafeBytes { LuaStack(coroutine).push($0) }
            return 1
          }
        }
      }
      server.adopt(served, .loopback)
      do throws(SystemCallError) {
        try exchange.begin()
      } catch {
        exchange.close()
        throw error
      }
      wait.exchange = exchange
    } catch {
      return dispatcher.raise(state, "cannot send the request: \(error)", at: true)
    }
    leaveTestCode()
    return dispatcher.park(on: wait)
  }
}
