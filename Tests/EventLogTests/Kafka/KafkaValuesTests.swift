import Synchronization
import Testing

@testable import SpacerEventLog

/// The values inside the driver, without a cluster.
@Suite struct KafkaValuesTests {
  // Pending appends

  private static var append: PendingAppend { PendingAppend(AppendRequest(topic: "t", entries: [])) { _ in } }

  private func text(_ completed: KafkaPendingAppends.Completed?) -> String? {
    guard let completed else { return nil }
    return switch completed.result {
    case .success(let outcome): "\(Array(outcome.offsets))"
    case .failure(let error): error.code.rawValue
    }
  }

  @Test func anAppendCompletesWithItsLastReport() {
    var pending = KafkaPendingAppends(bytesMax: 1_000, entriesMax: 10)
    let slot = pending.add(Self.append, entryCount: 3, byteCount: 30, deadlineMilliseconds: 100) ?? -1
    func report(_ entry: Int, _ result: Result<Int64, EventLogError>) -> String? {
      text(pending.report(KafkaPendingAppends.number(slot: slot, entry: entry), result))
    }
    #expect(report(2, .success(7)) == nil)
    #expect(report(0, .success(5)) == nil)
    #expect(report(1, .success(9)) == "[5, 9, 7]")
    // A report that nobody waits for changes nothing.
    #expect(report(1, .success(10)) == nil)
    #expect(report(900, .success(10)) == nil)
    #expect(pending.isEmpty && pending.byteCount == 0 && pending.entryCount == 0)
  }

  @Test func aLateAppendCompletesOnce() {
    var pending = KafkaPendingAppends(bytesMax: 1_000, entriesMax: 10)
    let slot = pending.add(Self.append, entryCount: 1, byteCount: 30, deadlineMilliseconds: 100) ?? -1
    #expect(pending.expire(nowMilliseconds: 99).isEmpty)
    #expect(pending.expire(nowMilliseconds: 100).map { text($0) } == ["outcomeUnknown"])
    #expect(pending.expire(nowMilliseconds: 200).isEmpty)
    // Its memory is the client's until the report.
    #expect(pending.byteCount == 30)
    #expect(pending.report(KafkaPendingAppends.number(slot: slot, entry: 0), .success(1)) == nil)
    #expect(pending.byteCount == 0)
  }

  @Test func whatIsAboveTheBoundsIsRefused() {
    var pending = KafkaPendingAppends(bytesMax: 100, entriesMax: 3)
    // Alone, anything goes: it could never be appended otherwise.
    #expect(pending.add(Self.append, entryCount: 9, byteCount: 900, deadlineMilliseconds: 1) == 0)
    #expect(pending.add(Self.append, entryCount: 1, byteCount: 1, deadlineMilliseconds: 1) == nil)
    for entry in 0..<9 { _ = pending.report(KafkaPendingAppends.number(slot: 0, entry: entry), .success(1)) }
    #expect(pending.add(Self.append, entryCount: 2, byteCount: 60, deadlineMilliseconds: 1) == 0)
    #expect(pending.add(Self.append, entryCount: 1, byteCount: 60, deadlineMilliseconds: 1) == nil)
    #expect(pending.add(Self.append, entryCount: 2, byteCount: 1, deadlineMilliseconds: 1) == nil)
    #expect(pending.add(Self.append, entryCount: 1, byteCount: 40, deadlineMilliseconds: 1) == 1)
  }

  // Commits

  private let one = TopicPartition(topic: "t", partition: 1)
  private let two = TopicPartition(topic: "t", partition: 2)

  @Test func commitsGoTogetherAndNeverBack() {
    var commits = KafkaCommits()
    commits.assigned(one, next: 10)
    commits.assigned(two, next: nil)
    commits.want(one, next: 9)
    #expect(commits.isIdle)
    commits.want(one, next: 12)
    commits.want(one, next: 11)
    #expect(commits.take(nowMilliseconds: 0) == [one: 12])
    commits.want(one, next: 12)
    commits.want(one, next: 15)
    commits.want(two, next: 1)
    #expect(commits.take(nowMilliseconds: 0) == nil)
    commits.answered(nowMilliseconds: 0) { _ in .committed }
    #expect(commits.take(nowMilliseconds: 0) == [one: 15, two: 1])
    commits.answered(nowMilliseconds: 0) { $0 == one ? .committed : .failed }
    #expect(commits.take(nowMilliseconds: 199) == nil)
    #expect(commits.nextMilliseconds == 200)
    #expect(commits.take(nowMilliseconds: 200) == [two: 1])
    // A newer one that came meanwhile is not undone by the failure of the older.
    commits.want(two, next: 4)
    commits.answered(nowMilliseconds: 200) { _ in .failed }
    #expect(commits.take(nowMilliseconds: 400) == [two: 4])
    commits.drop(two)
    commits.answered(nowMilliseconds: 400) { _ in .committed }
    #expect(commits.isIdle)
  }

  // Records

  @Test func recordsKeepCountOfTheirBytes() {
    var cache = KafkaRecordCache()
    cache.apply(key: [0x61], value: [1, 2, 3])
    cache.apply(key: [0x62], value: [1])
    #expect(cache.byteCount == 6)
    cache.apply(key: [0x61], value: [1])
    #expect(cache.byteCount == 4)
    #expect(cache.records(prefix: "", after: nil, limit: 9).map(\.key) == ["a", "b"])
    cache.apply(key: [0x61], value: nil)
    cache.apply(key: [0x7A], value: nil)
    #expect(cache.byteCount == 2)
    #expect(cache.records(prefix: "", after: nil, limit: 9).map(\.key) == ["b"])
    #expect(cache.contains("b") && !cache.contains("a"))
  }
}
