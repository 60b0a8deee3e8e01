import Testing

@testable import SpacerEventLog

@Suite struct GapTrackerTests {
  private static func gap(_ first: Int64, _ last: Int64, _ holders: Set<String>) -> GapTracker.Gap {
    GapTracker.Gap(first: first, last: last, holders: holders)
  }

  @Test func missingIsWhatLiesBetween() {
    #expect(GapTracker.missing(after: 0, in: [1, 2, 3]).isEmpty)
    #expect(GapTracker.missing(after: -1, in: [3, 4, 9]) == [1...2, 5...8])
    #expect(GapTracker.missing(after: 5, in: [6, 8]) == [7...7])
    #expect(GapTracker.missing(after: 5, in: []).isEmpty)
  }

  @Test func aGapIsOpenAsLongAsAHolderIs() {
    var tracker = GapTracker()
    tracker.note(missing: [5...8], holders: ["3/1", "4/1"])
    #expect(tracker.first == 5)
    // Others that came later cannot bring it.
    tracker.look(holders: ["4/1", "9/9"])
    tracker.closeSettled()
    #expect(tracker.gaps == [Self.gap(5, 8, ["4/1"])])
    tracker.look(holders: ["9/9"])
    #expect(!tracker.isEmpty)
    tracker.closeSettled()
    #expect(tracker.isEmpty)
  }

  @Test func whatNobodyHoldsIsNoGap() {
    var tracker = GapTracker()
    tracker.note(missing: [5...8], holders: [])
    #expect(tracker.isEmpty)
  }

  @Test func aGapIsFilledInPieces() {
    var tracker = GapTracker()
    tracker.note(missing: [5...8], holders: ["a"])
    let filled = [6, 6, 9].map { tracker.fill($0) }
    #expect(filled == [true, false, false])
    #expect(tracker.gaps == [Self.gap(5, 5, ["a"]), Self.gap(7, 8, ["a"])])
    #expect(tracker.contains(7) && !tracker.contains(6))
    #expect(tracker.first(from: 6) == 7)
    #expect(tracker.first(from: 8) == 8)
    #expect(tracker.first(from: 9) == nil)
  }

  @Test func whatIsSeenMissingAgainKeepsItsFirstHolders() {
    var tracker = GapTracker()
    tracker.note(missing: [5...8], holders: ["a", "b"])
    // Around and across what is known.
    tracker.note(missing: [3...6, 8...10], holders: ["b", "c"])
    #expect(
      tracker.gaps == [
        Self.gap(3, 4, ["b", "c"]), Self.gap(5, 6, ["b"]), Self.gap(7, 7, ["a", "b"]), Self.gap(8, 8, ["b"]),
        Self.gap(9, 10, ["b", "c"]),
      ])
    tracker.note(missing: [1...20], holders: ["c"])
    #expect(
      tracker.gaps == [
        Self.gap(1, 2, ["c"]), Self.gap(3, 4, ["c"]), Self.gap(9, 10, ["c"]), Self.gap(11, 20, ["c"]),
      ])
  }

  @Test func aPreparedTransactionKeepsAllOpen() {
    var tracker = GapTracker()
    tracker.note(missing: [5...5], holders: ["3/1"])
    // 3/1 was prepared, which gives it another name.
    tracker.look(holders: ["-1/77"])
    tracker.closeSettled()
    #expect(tracker.first == 5)
    tracker.look(holders: [])
    tracker.closeSettled()
    #expect(tracker.isEmpty)
  }

  /// Transactions take offsets, commit and roll back in any order; a reader looks as PostgresScan does, and each
  /// of its looks may see what was committed between them. It misses nothing, and no gap stays open for good.
  @Test(arguments: 0..<300)
  func nothingIsSkippedWhateverTheOrder(_ seed: Int) {
    var generator = SeededGenerator(seed)
    var sequence: Int64 = 0
    var running: [String: [Int64]] = [:]
    var visible: Set<Int64> = []
    var committed: Set<Int64> = []
    var nextName = 0
    func step() {
      switch Int.random(in: 0..<4, using: &generator) {
      case 0, 1:
        let names = running.keys.sorted()
        let name: String
        if names.count < 4 && Bool.random(using: &generator) || names.isEmpty {
          nextName += 1
          name = "1/\(nextName)"
        } else {
          name = names[Int.random(in: 0..<names.count, using: &generator)]
        }
        sequence += 1
        running[name, default: []].append(sequence)
      default:
        guard let name = running.keys.sorted().randomElement(using: &generator) else { return }
        let offsets = running.removeValue(forKey: name) ?? []
        guard Int.random(in: 0..<3, using: &generator) > 0 else { return }
        visible.formUnion(offsets)
        committed.formUnion(offsets)
      }
    }
    var isEnding = false
    func steps() { if !isEnding { for _ in 0..<Int.random(in: 0..<4, using: &generator) { step() } } }
    var tracker = GapTracker()
    var seen: Set<Int64> = []
    var position: Int64 = 0
    func look() {
      let last = visible.filter { $0 > position }.max()
      steps()
      let holders = Set(running.keys)
      steps()
      let open = tracker.gaps
      tracker.look(holders: holders)
      steps()
      for gap in open {
        for offset in visible where offset >= gap.first && offset <= gap.last {
          if tracker.fill(offset) { seen.insert(offset) }
        }
      }
      tracker.closeSettled()
      guard let last else { return }
      let page = visible.filter { $0 > position && $0 <= last }.sorted()
      tracker.note(missing: GapTracker.missing(after: position, in: page), holders: holders)
      seen.formUnion(page)
      position = last
    }
    for _ in 0..<100 {
      steps()
      look()
      // What may be stored is below everything that can still come.
      let lowest = tracker.first ?? position + 1
      #expect(committed.filter { $0 < lowest }.isSubset(of: seen))
    }
    for name in running.keys.sorted() { committed.formUnion(running[name] ?? []) }
    visible = committed
    running = [:]
    isEnding = true
    look()
    look()
    #expect(seen.isSuperset(of: committed.filter { $0 <= position }))
    #expect(tracker.isEmpty)
  }
}

struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &+ 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
