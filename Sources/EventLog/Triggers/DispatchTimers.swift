/// What is to happen when: a binary heap. What was removed meanwhile is recognised by its name when its time comes.
struct DispatchTimers: Sendable {
  /// What a time is for.
  enum Target: Sendable {
    /// Names in the dispatcher's tables.
    case lane(UInt64)
    case bundle(UInt64)
    case letter(UInt64)
  }

  private struct Entry: Sendable {
    var milliseconds: Int64
    var target: Target
  }

  private var entries: ContiguousArray<Entry> = []

  /// The earliest time.
  var next: Int64? { entries.first?.milliseconds }

  mutating func add(_ target: Target, at milliseconds: Int64) {
    entries.append(Entry(milliseconds: milliseconds, target: target))
    var child = entries.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard entries[child].milliseconds < entries[parent].milliseconds else { break }
      entries.swapAt(child, parent)
      child = parent
    }
  }

  /// Takes one whose time has come.
  mutating func popDue(_ now: Int64) -> Target? {
    guard let first = entries.first, first.milliseconds <= now else { return nil }
    let last = entries.removeLast()
    guard !entries.isEmpty else { return first.target }
    entries[0] = last
    var parent = 0
    while true {
      var child = parent * 2 + 1
      guard child < entries.count else { break }
      if child + 1 < entries.count, entries[child + 1].milliseconds < entries[child].milliseconds {
        child += 1
      }
      guard entries[child].milliseconds < entries[parent].milliseconds else { break }
      entries.swapAt(child, parent)
      parent = child
    }
    return first.target
  }
}
