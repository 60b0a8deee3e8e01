import Testing

@testable import SpacerEventLog

/// What an offset that comes means.
@Suite struct KafkaProgressTests {
  private func take(_ progress: inout KafkaProgress, _ offsets: Int64...) -> [KafkaProgress.Meaning] {
    offsets.map { progress.take($0) }
  }

  @Test func whatComesForTheFirstTimeIsNew() {
    var progress = KafkaProgress(next: 5)
    // Compacted topics and transactions leave gaps.
    #expect(take(&progress, 5, 6, 9, 100) == [.new, .new, .new, .new])
    #expect(progress.next == 101)
  }

  @Test func whatComesAgainAfterAPauseIsNotNew() {
    var progress = KafkaProgress(next: 5)
    _ = take(&progress, 5, 6)
    progress.pause()
    _ = take(&progress, 7, 8)
    #expect(take(&progress, 7, 8, 9) == [.repeated, .repeated, .new])
    // Paused once more while it repeats: it may go on from there.
    progress.pause()
    _ = take(&progress, 10, 11, 10)
    progress.pause()
    #expect(take(&progress, 11, 12) == [.repeated, .new])
  }

  @Test func aLogThatWentBackIsNew() {
    var progress = KafkaProgress(next: 50)
    #expect(take(&progress, 0, 1, 2) == [.wentBack, .new, .new])
    progress = KafkaProgress(next: 0)
    _ = take(&progress, 10, 11)
    progress.pause()
    #expect(take(&progress, 3, 4, 3) == [.wentBack, .new, .repeated])
  }
}
