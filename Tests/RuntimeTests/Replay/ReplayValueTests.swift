// The values that a replay is made of: rate, progress, window, estimate.

import SpacerEventLog
import Testing

@testable import SpacerRuntime

@Suite struct TokenBucketTests {
  /// How many events pass in `milliseconds`, asked for every `step`.
  private func taken(rate: Int, milliseconds: Int64, step: Int64) -> Int {
    var bucket = TokenBucket(rate: rate, now: 0)
    var count = 0
    for now in stride(from: 0, through: milliseconds, by: Int64.Stride(step)) {
      let available = bucket.available(now: now)
      bucket.take(available)
      count += available
    }
    return count
  }

  @Test(arguments: [1, 3, 7, 20, 999, 1_000, 12_345])
  func theRateHoldsOverTime(rate: Int) {
    for step in [1, 10, 97] as [Int64] {
      let count = taken(rate: rate, milliseconds: 10_000, step: step)
      #expect(abs(count - rate * 10) <= max(2, rate / 50), "\(count) at \(rate) in steps of \(step)")
    }
  }

  @Test func whatWasNotTakenIsKeptForATenthOfASecondOnly() {
    var bucket = TokenBucket(rate: 100, now: 0)
    #expect(bucket.available(now: 3_600_000) == 12)
    bucket.take(12)
    #expect(bucket.available(now: 3_600_000) == 0)
    #expect(bucket.delay(now: 3_600_000) == 10)
    #expect(bucket.available(now: 3_600_010) == 1)
    #expect(bucket.delay(now: 3_600_010) == 0)
  }

  @Test func aClockThatStandsOrGoesBackGivesNothing() {
    var bucket = TokenBucket(rate: 10, now: 1_000)
    bucket.take(bucket.available(now: 1_000))
    #expect(bucket.available(now: 0) == 0)
    #expect(bucket.available(now: 1_000) == 0)
    #expect(bucket.available(now: 1_100) == 1)
  }
}

@Suite struct ReplayRecordTests {
  @Test func comesBackAsItWasWritten() throws {
    var record = ReplayRecord(
      topic: "orders", functions: ["a", "b/c"], from: "-1h", position: ReadPosition(next: [0: 7, 3: 9]),
      end: ReadPosition(next: [0: 10, 3: 12]), startedMilliseconds: 5)
    record.counts.read = 1
    record.counts.handled = 2
    record.counts.filtered = 3
    record.counts.deadLetters = 4
    record.counts.dropped = 5
    record.updatedMilliseconds = 6
    record.isComplete = true
    record.host = "a \"host\""
    record.process = 42
    #expect(ReplayRecord(json: record.json) == record)
    #expect(record.storedRecord(group: "g").key == "replay/g")
  }

  @Test(arguments: [
    "", "{}", "[]", #"{"topic":"t"}"#, #"{"topic":"t","functions":"","from":"","position":"x"}"#,
  ])
  func whatIsNoneIsRefused(text: String) { #expect(ReplayRecord(json: Array(text.utf8)) == nil) }

  @Test func theGroupNamesTheFunctions() {
    #expect(ReplayRecord.defaultGroup(topic: "t", functions: ["a"]) == "replay-t-a")
    #expect(ReplayRecord.defaultGroup(topic: "t", functions: ["a", "private/b"]) == "replay-t-a+private.b")
    let many = (0..<60).map { "function\($0)" }
    let long = ReplayRecord.defaultGroup(topic: "t", functions: many)
    #expect(long.utf8.count < 120)
    #expect(long != ReplayRecord.defaultGroup(topic: "t", functions: many.dropLast()))
  }
}

@Suite struct ReplayWindowTests {
  @Test func oneSequenceCountsAtPartitionZero() {
    let window = ReplayWindow(start: ReadPosition(next: [0: 5]), end: ReadPosition(next: [0: 10]))
    #expect(window.contains(partition: 7, offset: 5))
    #expect(window.contains(partition: 0, offset: 9))
    #expect(!window.contains(partition: 7, offset: 10))
    #expect(!window.contains(partition: 7, offset: 4))
    #expect(!window.isPassed(by: ReadPosition(next: [0: 9])))
    #expect(window.isPassed(by: ReadPosition(next: [0: 12])))
    #expect(window.clamped(ReadPosition(next: [0: 12])) == window.end)
    #expect(window.offsetCount == 5)
    #expect(window.offsetCount(to: ReadPosition(next: [0: 7])) == 2)
  }

  @Test func partitionsOfTheirOwnAreCountedApart() {
    let window = ReplayWindow(
      start: ReadPosition(next: [0: 0, 1: 100]), end: ReadPosition(next: [0: 2, 1: 103, 2: 4]))
    #expect(window.contains(partition: 1, offset: 102))
    #expect(!window.contains(partition: 0, offset: 102))
    #expect(!window.contains(partition: 9, offset: 0))
    #expect(window.offsetCount == 2 + 3 + 4)
    #expect(!window.isPassed(by: ReadPosition(next: [0: 2, 1: 103])))
    #expect(window.isPassed(by: ReadPosition(next: [0: 2, 1: 103, 2: 4])))
  }

  @Test func nothingIsPassedAtOnce() {
    let window = ReplayWindow(start: ReadPosition(next: [0: 5]), end: ReadPosition(next: [0: 5]))
    #expect(window.isPassed(by: window.start))
    #expect(window.offsetCount == 0)
    let ends = ReplayWindow.earlier(ReadPosition(next: [0: 5, 1: 2]), ReadPosition(next: [0: 3, 1: 9]))
    #expect(ends == ReadPosition(next: [0: 3, 1: 2]))
  }

  @Test func theEstimateGoesByWhatIsDone() {
    let status = ReplayStatus(offsetCount: 100, doneCount: 25, readNow: 50, milliseconds: 5_000)
    #expect(status.percent == 25)
    #expect(status.eventsPerSecond == 10)
    #expect(status.secondsLeft == 15)
    let fresh = ReplayStatus(offsetCount: 100, doneCount: 0, readNow: 0, milliseconds: 5_000)
    #expect(fresh.secondsLeft == nil)
    #expect(ReplayStatus(offsetCount: 0, doneCount: 0, readNow: 0, milliseconds: 0).percent == 100)
  }
}
