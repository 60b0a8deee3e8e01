import SpacerEventLog
import SpacerSystem
import Synchronization
import Testing

@testable import SpacerRuntime

@Suite struct AppendInboxTests {
  private static let request = AppendRequest(topic: "t", entries: [AppendEntry(key: [0x6B], value: [0x31])])

  @Test func whatIsThereAtOnceIsReturned() throws {
    let store = MemoryStore()
    try store.open([TopicDefinition(name: "t")])
    let told = Mutex(0)
    let inbox = AppendInbox { told.withLock { $0 += 1 } }
    for number in 1...2 {
      let result = inbox.hand(PendingAppend(Self.request, number: 7, for: inbox), to: store)
      #expect(try #require(result).get().offsets == [Int64(number)])
    }
    #expect(inbox.takeAll().isEmpty && told.withLock { $0 } == 0)
  }

  @Test func whatComesLaterGathersAndIsToldOnce() throws {
    let told = Mutex(0)
    let inbox = AppendInbox { told.withLock { $0 += 1 } }
    let done = Monitor(false)
    Threads.start(name: "test") {
      for number in 1...3 {
        let append = PendingAppend(Self.request, number: UInt64(number), for: inbox)
        append.complete(.success(AppendOutcome(offsets: [Int64(number)])))
      }
      done.withLock { $0 = true }
      done.signal()
    }
    done.wait(milliseconds: nil) { $0 ? () : nil }
    #expect(inbox.takeAll().map(\.number) == [1, 2, 3])
    #expect(told.withLock { $0 } == 1)
    // Outside `hand` it is the same on the owner's thread.
    PendingAppend(Self.request, number: 4, for: inbox).complete(.success(AppendOutcome(offsets: [4])))
    #expect(inbox.takeAll().map(\.number) == [4])
    #expect(told.withLock { $0 } == 2)
  }
}
