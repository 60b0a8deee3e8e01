// Sorting that is the same everywhere: String's own order follows Unicode equivalence, a locale's order the
// machine; bytes follow neither.

/// The order of strings by their UTF-8 bytes.
package enum ByteOrder {
  package static func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
  }
}
