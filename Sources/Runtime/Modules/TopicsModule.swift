// `require "topics"`.

import CLua

enum TopicsFunction: Int32, HostFunctions {
  case append

  static var moduleNumber: Int32 { BuiltinModule.topics.rawValue }
  static var prefix: String { "topics." }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    // An event that is taken and then lost would be worse than none: without a log nothing is taken.
    dispatcher.raise(
      state, "topics.append: this release of Spacer has no event log, so the event was not stored", at: true)
  }
}
