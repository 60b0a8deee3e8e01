// The defaults of the reference as numbers, for who compares settings one of which is absent.

/// What counts where the configuration says nothing.
package enum ConfigDefaults {
  /// The number, or number of bytes, at a path of the reference; nil when it is none.
  package static func number(of path: String) -> Int64? {
    guard let text = ConfigSchema.key(path)?.defaultText.filter({ $0 != "`" }) else { return nil }
    for (unit, factor) in [("KiB", Int64(1) << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
    where text.hasSuffix(unit) {
      return Int64(text.dropLast(unit.utf8.count)).map { $0 * factor }
    }
    return Int64(text)
  }
}
