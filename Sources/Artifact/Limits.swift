// Every bound of the format, in one place. The writer refuses contents above them, and a reader refuses a
// file above them, so that no count or offset read from a file can overflow what it is used for.

/// The format's limits; a name ends in its unit.
package enum Limits {
  /// A whole artifact; keeps every in-section offset within 32 bits.
  package static let artifactBytesMax = 1 << 31
  package static let sectionsMax = 64
  package static let modulesMax = 1 << 20
  package static let stringBytesMax = 1 << 24
  package static let topicsMax = 1 << 16
  package static let triggersMax = 1 << 20
  package static let environmentVariablesMax = 1 << 16
  package static let settingsMax = 1 << 20
  package static let validationsMax = 1 << 20
  package static let capabilitiesMax = 1 << 20
  /// Entries of one module's list of requires, built-ins, topics or callees.
  package static let moduleListMax = 1 << 20
  /// A route's index is 16 bits wide in the table.
  package static let routesMax = 65_535
  /// Segments of all routes together; keeps offsets within the table in 32 bits.
  package static let routeSegmentsMax = 1 << 20
  package static let patternBytesMax = 4_096
  /// Segments of one pattern. Also the depth of the matcher's stack of open choices, which takes 16 bytes each
  /// and has to stay within the 1,024 that Swift places on the machine's stack.
  package static let patternSegmentsMax = 64
  package static let routeParametersMax = 32
}
