/// How much of a project's folders the compiler takes.
package enum ScanLimits {
  /// Of one file.
  package static let fileBytesMax = 16 << 20
  /// Of all folders together.
  package static let filesMax = 100_000
  /// Visited, each as often as links lead to it.
  package static let foldersMax = 10_000
  /// How long ago a file must have changed for its fingerprint to count.
  package static let settledNanoseconds: Int64 = 2_500_000_000
  /// Folders within folders.
  package static let depthMax = 32
  /// The folders that hold what an artifact is made of.
  package static let folders = ["app", "config", "lib"]
  /// Those with the tests.
  package static let foldersWithTests = folders + [TestFiles.folder]
}
