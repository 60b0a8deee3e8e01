import Testing

@testable import SpacerEventLog

struct OffsetWindowTests {
  /// Against a reference that keeps a set.
  @Test func fuzzAgainstSet() {
    TriggerFuzz.run("offset window") { random in
      var window = OffsetWindow(mayComeLate: true)
      var open: [Int64: OffsetWindow.Place] = [:]
      var seen: Set<Int64> = []
      for step in 0..<200 {
        if Int.random(in: 0..<2, using: &random) == 0 {
          let offset = Int64(Int.random(in: 0..<300, using: &random))
          let isNew = window.isNew(offset)
          #expect(isNew == !seen.contains(offset))
          if seen.insert(offset).inserted { open[offset] = window.add(offset, event: Int32(step)) }
        } else if let (offset, place) = open.randomElement(using: &random) {
          window.finish(place)
          open[offset] = nil
        }
        #expect(window.unfinishedMin == open.keys.min())
        #expect(window.newest == seen.max())
        #expect(window.events.count == open.count)
      }
    }
  }

  @Test func bringsNothingBackInOrder() {
    var window = OffsetWindow(mayComeLate: false)
    #expect(window.watermark == nil)
    let isNew = window.isNew(5)
    #expect(isNew)
    let place = window.add(5, event: 0)
    let isOldNew = window.isNew(5) || window.isNew(4)
    #expect(!isOldNew)
    #expect(window.watermark == 4)
    window.finish(place)
    #expect(window.watermark == 5)
    _ = window.isNew(9)
    window.forget(window.add(9, event: 0))
    #expect(window.watermark == 8 && window.events.isEmpty)
  }

  /// Many offsets, done from the back: the window's memory and time stay in bounds.
  @Test func manyOffsets() {
    var window = OffsetWindow(mayComeLate: false)
    for round in Int64(0)..<3 {
      let places = (0..<Int64(5_000)).map { offset in
        _ = window.isNew(round * 10_000 + offset)
        return window.add(round * 10_000 + offset, event: 1)
      }
      for place in places.dropFirst().reversed() { window.finish(place) }
      #expect(window.watermark == round * 10_000 - 1)
      if let first = places.first { window.finish(first) }
      #expect(window.watermark == round * 10_000 + 4_999)
    }
  }
}
