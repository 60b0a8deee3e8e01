// One artifact in service on one worker. A swap brings a new generation; calls in flight finish on the old
// one, which goes when the last of them has.

import CLua
import SpacerArtifact

/// An artifact and the modules a worker has loaded from it.
struct Generation {
  /// Places on the Lua main thread's stack, one a generation, before those of the calls.
  static let countMax: Int32 = 64
  static let anchorEnd = Int32(SPACER_INDEX_FREE) + countMax

  let artifact: LoadedArtifact
  /// Main-stack index of the table of loaded modules.
  let anchor: Int32
  var callsInFlight = 0

  init(_ artifact: LoadedArtifact, anchor: Int32) {
    self.artifact = artifact
    self.anchor = anchor
  }
}
