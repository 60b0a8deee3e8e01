/// First in, first out.
struct PlaceQueue: Sendable {
  private var names: ContiguousArray<UInt64> = []
  private var head = 0

  var first: UInt64? { head < names.count ? names[head] : nil }

  mutating func append(_ name: UInt64) { names.append(name) }

  mutating func removeFirst() {
    head += 1
    if head == names.count {
      names.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 1_024, head * 2 >= names.count {
      names.removeFirst(head)
      head = 0
    }
  }
}
