// Which part of a topic is replayed, and how far it is done. A topic with one sequence of offsets has one place, at
// partition 0, whatever partitions its events have; on Kafka each partition has its own.

package import SpacerEventLog

/// The stretch of a topic between two positions.
package struct ReplayWindow: Equatable, Sendable {
  package let start: ReadPosition
  /// The first that is not replayed, by partition.
  package let end: ReadPosition

  package init(start: ReadPosition, end: ReadPosition) {
    self.start = start
    self.end = end
  }

  /// The topic is one sequence of offsets, or has one partition, which comes to the same.
  package var isOneSequence: Bool { end.next.keys.allSatisfy { $0 == 0 } }

  /// Where an event's offset counts.
  private func place(_ partition: Int32) -> Int32 { isOneSequence ? 0 : partition }

  /// Whether an event that was read is within.
  package func contains(partition: Int32, offset: Int64) -> Bool {
    let place = place(partition)
    return offset < end.next[place] ?? 0 && offset >= start.next[place] ?? 0
  }

  /// Whether all up to the end lies before a position.
  package func isPassed(by position: ReadPosition) -> Bool {
    end.next.allSatisfy { partition, end in
      end <= start.next[partition] ?? 0 || position.next[partition] ?? 0 >= end
    }
  }

  /// A position within the window: what was read beyond the end is not counted.
  package func clamped(_ position: ReadPosition) -> ReadPosition {
    var result = ReadPosition()
    for (partition, end) in end.next {
      let start = start.next[partition] ?? 0
      result.next[partition] = max(start, min(position.next[partition] ?? start, end))
    }
    return result
  }

  /// Offsets from the start to a position; an upper bound of the events, since offsets have gaps.
  package func offsetCount(to position: ReadPosition) -> Int64 {
    let position = clamped(position)
    return position.next.reduce(0) { $0 + max(0, $1.value - (start.next[$1.key] ?? 0)) }
  }

  package var offsetCount: Int64 { offsetCount(to: end) }

  /// The earlier of two ends, by partition.
  package static func earlier(_ a: ReadPosition, _ b: ReadPosition) -> ReadPosition {
    ReadPosition(next: a.next.merging(b.next) { min($0, $1) })
  }
}
