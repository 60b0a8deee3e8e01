// What a dispatcher changes with each request. It stands behind a pointer: a class's own variables are checked
// for overlapping access at run time, at every touch, which costs more than what is done with them.

import SpacerArtifact

/// The hot state of one dispatcher.
struct DispatchState: ~Copyable {
  var generations = GenerationTable()
  var currentGeneration: Int32 = 0
  var calls: CallTable
  var currentCall: Int32 = -1
  var ids = IDGenerator()
  /// Nil outside `spacer dev`.
  var buildNotice: BuildNotice?
  var query = QueryArguments()
  /// The body being written.
  var output = OutputBuffer(capacity: 1 << 16)
  /// The header lines of the answer being written.
  var headers = OutputBuffer(capacity: 1024)
  /// The path of the request being dispatched, when it needed normalisation.
  var normalPath = OutputBuffer(capacity: 1024)
  /// JSON text on its way between two functions, and other text that is put together for a moment.
  var transfer = OutputBuffer(capacity: 4096)
  var chunkName = OutputBuffer(capacity: 256)
  var parameters = RouteParameters()

  init(callCountMax: Int) { calls = CallTable(capacity: callCountMax) }
}
