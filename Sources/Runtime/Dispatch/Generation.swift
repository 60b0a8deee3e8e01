// One artifact in service on one worker. A swap brings a new generation; calls in flight finish on the old
// one, which goes when the last of them has.

import CLua
import SpacerArtifact

/// An artifact and the modules a worker has loaded from it. Holds no reference, so that a request counts none:
/// the dispatcher owns the artifact.
struct Generation {
  /// Places on the Lua main thread's stack, three a generation, before those of the calls.
  static let countMax: Int32 = 64
  static let anchorEnd = anchor(of: countMax)

  /// The first of a generation's places: see `spacer_host.loaded_index`.
  static func anchor(of number: Int32) -> Int32 { Int32(SPACER_INDEX_FREE) + number * 3 }

  let routes: RouteTable
  /// The modules' names, for the log.
  let names: UnsafeBufferPointer<UnsafeRawBufferPointer>
  /// Main-stack index of the table of loaded modules.
  let anchor: Int32
  var callsInFlight = 0

  init(_ artifact: LoadedArtifact, anchor: Int32) {
    routes = artifact.routes
    names = artifact.names
    self.anchor = anchor
  }
}

/// The generations of one worker, by number.
struct GenerationTable: ~Copyable {
  // Invariant: `places` holds `countMax` initialised values.
  private let places: UnsafeMutablePointer<Generation?>

  init() {
    places = .allocate(capacity: Int(Generation.countMax))
    places.initialize(repeating: nil, count: Int(Generation.countMax))
  }

  deinit { places.deallocate() }

  @inline(__always)
  subscript(number: Int32) -> Generation? {
    _read {
      precondition(number >= 0 && number < Generation.countMax)
      yield places[Int(number)]
    }
    nonmutating _modify {
      precondition(number >= 0 && number < Generation.countMax)
      yield &places[Int(number)]
    }
  }

  /// A number that no generation has.
  var firstFree: Int32? { (0..<Generation.countMax).first { places[Int($0)] == nil } }
}
