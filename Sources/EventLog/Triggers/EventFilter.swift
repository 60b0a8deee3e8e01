/// Which events a trigger takes, decided on the payload's bytes.
package struct EventFilter: Equatable, Sendable {
  /// Reads the compiled form: a JSON array of conditions.
  /// - Throws: `failed` on anything else, and on more of it than `limits` allow.
  package init(_ text: String) throws(EventLogError) {
    throw EventLogError(.failed, "no filter")
  }

  /// Whether all conditions hold. False for what is no JSON.
  package func matches(_ payload: [UInt8]) -> Bool { false }
}
