/// Elements at fixed places that are used again; a generation tells one use of a place from the next.
struct SlotTable<Element: Sendable>: Sendable {
  private var elements: ContiguousArray<Element> = []
  private var generations: ContiguousArray<UInt32> = []
  private var freePlaces: ContiguousArray<Int32> = []
  /// What stands at free places, so that they keep nothing alive.
  private let empty: Element

  init(empty: Element) { self.empty = empty }

  /// Elements in use.
  var count: Int { elements.count - freePlaces.count }

  mutating func insert(_ element: Element) -> Int32 {
    if let place = freePlaces.popLast() {
      elements[Int(place)] = element
      return place
    }
    elements.append(element)
    generations.append(1)
    return Int32(elements.count - 1)
  }

  mutating func remove(_ place: Int32) {
    elements[Int(place)] = empty
    generations[Int(place)] &+= 1
    freePlaces.append(place)
  }

  subscript(place: Int32) -> Element {
    @inline(__always) get { elements[Int(place)] }
    @inline(__always) _modify { yield &elements[Int(place)] }
  }

  /// Names the use of a place: the place in the low half, its generation in the high one.
  func name(of place: Int32) -> UInt64 {
    UInt64(generations[Int(place)]) << 32 | UInt64(UInt32(bitPattern: place))
  }

  /// The place of a name; nil when it was removed since, or never was.
  func place(named name: UInt64) -> Int32? {
    let place = Int(name & 0xFFFF_FFFF)
    guard place < generations.count, UInt64(generations[place]) == name >> 32 else { return nil }
    return Int32(place)
  }
}
