// The control API: `POST /control` at the write proxy's address, under the write proxy's admission. Commands reach a
// running server's event log through it. The storage may block, so a request is read and done on threads of its own,
// and answered through the loop's mailbox.
//
// Invariants: at most `ControlThreads.pendingCountMax` requests are on their way in the process; what they hold is
// bounded by `ControlRequest.bytesMax` and `answerBytesMax` each. An answer to a client that has gone is dropped.

import SpacerEventLog
import Synchronization

/// The threads of control requests.
enum ControlThreads {
  static let pendingCountMax = 64

  /// Of short requests.
  private static let queue = WorkQueue(name: "control", threadCountMax: 4)
  /// Of those that wait for events.
  private static let waits = WorkQueue(name: "control-wait", threadCountMax: 8)
  private static let pendingCount = Atomic<Int>(0)

  /// Has a thread run `job`; false when too many wait.
  static func run(waits isLong: Bool, _ job: @escaping @Sendable () -> Void) -> Bool {
    guard pendingCount.wrappingAdd(1, ordering: .relaxed).newValue <= pendingCountMax else {
      pendingCount.wrappingSubtract(1, ordering: .relaxed)
      return false
    }
    (isLong ? waits : queue).run {
      job()
      pendingCount.wrappingSubtract(1, ordering: .relaxed)
    }
    return true
  }
}

/// What only the loop's thread touches, on its way there through another.
private struct LoopBound: @unchecked Sendable {
  // Thread rule: `dispatcher` is used in the loop's own messages only, which are heard while it lives.
  unowned(unsafe) let dispatcher: Dispatcher
}

extension Dispatcher {
  /// Whether a request at the write proxy's address is for the control API.
  func isControl(_ path: UnsafeRawBufferPointer) -> Bool {
    path.elementsEqual(ControlRequest.path.utf8)
  }

  /// A request that the write proxy has admitted.
  func handleControl(
    _ exchange: ExchangeID, _ request: borrowing RequestView, _ trace: TraceContext
  ) throws(RequestFailure) {
    guard let events, let mailbox = loop?.mailbox else {
      throw RequestFailure(503, "the application has no topics")
    }
    guard request.body.count <= ControlRequest.bytesMax else {
      throw RequestFailure(413, "a control request has at most \(ControlRequest.bytesMax) bytes")
    }
    let body = Array(request.body)
    let start = request.receivedNanoseconds
    let target = LoopBound(dispatcher: self)
    // Reading it is the thread's work, so this only looks whether it begins as our own client writes it.
    let isLong = body.starts(with: #"{"op":"read""#.utf8)
    let isTaken = ControlThreads.run(waits: isLong) {
      let answer = ControlRunner(events).answer(body)
      mailbox.post(
        .work { target.dispatcher.finishControl(exchange, answer.status, answer.body, start, trace) })
    }
    guard isTaken else { throw RequestFailure(503, "too many control requests at a time: try again later") }
  }

  /// Answers, if the client still waits.
  private func finishControl(
    _ exchange: ExchangeID, _ status: Int, _ body: [UInt8], _ start: UInt64, _ trace: TraceContext
  ) {
    if log.isEnabled(.info) {
      _ = server?.request(exchange) { request in
        log.access(
          request, status: status, function: UnsafeRawBufferPointer(start: nil, count: 0), bytes: body.count,
          nanoseconds: clock() &- start, trace: trace)
      }
    }
    headers.reset()
    body.withUnsafeBytes {
      server?.respond(exchange, status: status, headers: headers.bytes, contentType: .json, body: $0)
    }
  }
}
