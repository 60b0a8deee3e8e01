/// How a replay stands, for people.
package struct ReplayStatus: Equatable, Sendable {
  package var counts: ReplayCounts
  /// Offsets of what this run has to do, and of them those that are done.
  package var offsetCount: Int64
  package var doneCount: Int64
  /// Events read by this run.
  package var readNow: Int64
  /// Since this run began.
  package var milliseconds: Int64
  /// The storage gave nothing for a while, or an error; a sentence.
  package var problem: String?

  package init(
    counts: ReplayCounts = ReplayCounts(), offsetCount: Int64, doneCount: Int64, readNow: Int64,
    milliseconds: Int64, problem: String? = nil
  ) {
    self.counts = counts
    self.offsetCount = offsetCount
    self.doneCount = doneCount
    self.readNow = readNow
    self.milliseconds = milliseconds
    self.problem = problem
  }

  /// Of the whole, 0 to 100.
  package var percent: Double {
    offsetCount > 0 ? min(100, Double(doneCount) * 100 / Double(offsetCount)) : 100
  }

  package var eventsPerSecond: Double {
    milliseconds > 0 ? Double(readNow) * 1_000 / Double(milliseconds) : 0
  }

  /// How long it will take still, if it goes on as it went, in seconds; nil when that cannot be said.
  package var secondsLeft: Double? {
    guard doneCount > 0, milliseconds >= 1_000 else { return nil }
    return Double(offsetCount - doneCount) * Double(milliseconds) / Double(doneCount) / 1_000
  }
}

/// What a replay, or a part of it, came to.
package struct ReplaySummary: Equatable, Sendable {
  package var group: String
  package var topic: String
  package var functions: [String]
  package var counts: ReplayCounts
  /// Of this run, in milliseconds.
  package var milliseconds: Int64
  /// All events before it are done; as text.
  package var position: String
  /// Nothing is left.
  package var isComplete: Bool
  /// This run went on where another one had stopped.
  package var wasResumed: Bool
}
