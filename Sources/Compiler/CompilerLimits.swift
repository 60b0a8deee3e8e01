// Bounds of the compiler's own phases; scanning, configuration and the artifact keep theirs beside them.

/// How much the compiler takes.
enum CompilerLimits {
  /// Lua instructions that the gateway may run.
  static let gatewayInstructionsMax: UInt64 = 50_000_000
  /// Memory that the gateway may allocate.
  static let gatewayBytesMax = 256 << 20
  /// Entries of the gateway, as the route table holds them.
  static let routesMax = 65_535
  /// Diagnostics that one kind of malformed entry may give, so that a computed mistake does not repeat.
  static let malformedRoutesMax = 20
  /// Bytes of a cache file that are worth reading.
  static let cacheBytesMax = 1 << 30
  /// Elements of one list in a cache file.
  static let cacheListMax = 1 << 22
  /// Steps shown of a cycle of modules or topics.
  static let cycleStepsMax = 32
}
