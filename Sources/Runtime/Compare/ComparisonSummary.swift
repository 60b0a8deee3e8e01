package import SpacerEventLog

/// What a comparison came to.
package struct ComparisonSummary: Equatable, Sendable {
  package var topic: String
  /// The functions that were run, sorted.
  package var functions: [String]
  /// That are triggers of the topic in one artifact only, or are there in one only.
  package var onlyOld: [String] = []
  package var onlyNew: [String] = []
  package var eventCount = 0
  package var runCount = 0
  /// Runs that differ.
  package var differenceCount = 0
  package var counts: [DifferenceKind: Int] = [:]
  /// Of the first event with a run that differs.
  package var firstOffset: Int64?
  package var milliseconds: Int64 = 0
  /// All of the slice was compared.
  package var isComplete = false

  package init(topic: String, functions: [String]) {
    self.topic = topic
    self.functions = functions
  }

  package var isSame: Bool { differenceCount == 0 && onlyOld.isEmpty && onlyNew.isEmpty }

  package mutating func count(_ differences: [DifferenceKind], of event: EventRecord) {
    runCount += 1
    guard !differences.isEmpty else { return }
    differenceCount += 1
    for kind in differences { counts[kind, default: 0] += 1 }
    if firstOffset == nil { firstOffset = event.offset }
  }

  /// On one line.
  package var json: String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("topic", topic)
    for (name, functions) in [("functions", functions), ("onlyOld", onlyOld), ("onlyNew", onlyNew)] {
      writer.key(name)
      writer.beginArray()
      for function in functions {
        writer.element()
        writer.string(function)
      }
      writer.endArray()
    }
    writer.member("events", Int64(eventCount))
    writer.member("runs", Int64(runCount))
    writer.member("different", Int64(differenceCount))
    for kind in DifferenceKind.allCases { writer.member(kind.rawValue, Int64(counts[kind] ?? 0)) }
    if let firstOffset { writer.member("firstOffset", firstOffset) }
    writer.member("milliseconds", milliseconds)
    writer.member("isComplete", isComplete)
    writer.endObject()
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}
