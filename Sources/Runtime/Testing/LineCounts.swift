// Which lines ran, counted by Lua's line hook. The hook gives the chunk's name as a pointer that stays the same as
// long as the chunk lives, so that most lines cost a comparison and an addition.

import CLua

/// The counts of one Lua state. Belongs to its worker's thread.
struct LineCounts {
  private var lastName: UnsafePointer<CChar>?
  private var lastPlace = 0
  private var places: [String: Int] = [:]
  private var lines: [[Int: Int]] = []

  /// By path.
  var counts: [String: [Int: Int]] { places.mapValues { lines[$0] } }

  /// Has the lines counted that run from now on; before any call's coroutine is made.
  func begin(_ dispatcher: Dispatcher) {
    spacer_count_lines(dispatcher.record) { context, name, line in
      guard let context, let name else { return }
      let dispatcher = Unmanaged<Dispatcher>.fromOpaque(context).takeUnretainedValue()
      dispatcher.testing?.coverage.count(name, line: Int(line))
    }
  }

  private mutating func count(_ name: UnsafePointer<CChar>, line: Int) {
    if name != lastName {
      lastName = name
      let path = String(cString: name + 1)
      if let place = places[path] {
        lastPlace = place
      } else {
        lastPlace = lines.count
        places[path] = lastPlace
        lines.append([:])
      }
    }
    lines[lastPlace][line, default: 0] += 1
  }
}
