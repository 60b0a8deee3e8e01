import SpacerEventLog
import SpacerSystem
import Synchronization
import Testing

struct AppendQueueTests {
  private static func request(_ bytes: Int = 1) -> AppendRequest {
    AppendRequest(topic: "t", entries: [AppendEntry(key: [1], value: [UInt8](repeating: 0x31, count: bytes))])
  }

  /// Each append that is handed in completes, whatever comes of the queue.
  @Test func closingCompletesWhatWasHandedIn() {
    let queue = AppendQueue(name: "test") { batch in
      for append in batch { append.complete(.success(AppendOutcome(offsets: [1]))) }
    }
    let completed = Mutex(0)
    for _ in 0..<100 { queue.submit(Self.request()) { _ in completed.withLock { $0 += 1 } } }
    queue.close()
    #expect(completed.withLock { $0 } == 100)
    let refusal = Mutex<EventLogError.Code?>(nil)
    queue.submit(Self.request()) { result in
      if case .failure(let error) = result { refusal.withLock { $0 = error.code } }
    }
    #expect(refusal.withLock { $0 } == .unavailable)
  }

  @Test func whatIsAboveTheBoundIsRefused() {
    let gate = Monitor(false)
    let queue = AppendQueue(name: "test", bytesMax: 1_000) { batch in
      gate.wait(milliseconds: nil) { $0 ? () : nil }
      for append in batch { append.complete(.success(AppendOutcome(offsets: [1]))) }
    }
    let outcomes = Mutex<[String]>([])
    for _ in 0..<10 {
      queue.submit(Self.request(600)) { result in
        let text = if case .failure(let error) = result { error.code.rawValue } else { "done" }
        outcomes.withLock { $0.append(text) }
      }
    }
    gate.withLock { $0 = true }
    gate.signal()
    queue.close()
    let all = outcomes.withLock { $0 }
    #expect(all.count == 10)
    #expect(all.filter { $0 == "overloaded" }.count >= 8)
  }

  @Test func whatIsLateIsNotBegun() {
    let time = Mutex<Int64>(0)
    let clock = SystemClock(
      wallMilliseconds: { 0 }, monotonicMilliseconds: { time.withLock { $0 } })
    let begun = Mutex(0)
    let gate = Monitor(false)
    let queue = AppendQueue(name: "test", clock: clock) { batch in
      begun.withLock { $0 += batch.count }
      gate.signal()
      gate.wait(milliseconds: nil) { $0 ? () : nil }
      for append in batch { append.complete(.success(AppendOutcome(offsets: [1]))) }
    }
    queue.submit(Self.request()) { _ in }
    gate.wait(milliseconds: nil) { _ in begun.withLock { $0 } == 1 ? () : nil }
    let late = Mutex<EventLogError.Code?>(nil)
    queue.submit(Self.request()) { result in
      if case .failure(let error) = result { late.withLock { $0 = error.code } }
    }
    time.withLock { $0 = 60_000 }
    gate.withLock { $0 = true }
    gate.signal()
    queue.close()
    #expect(late.withLock { $0 } == .timedOut)
    #expect(begun.withLock { $0 } == 1)
  }
}

extension AppendQueue {
  fileprivate func submit(_ request: AppendRequest, completion: @escaping AppendCompletion) {
    submit(PendingAppend(request, completion: completion))
  }
}
