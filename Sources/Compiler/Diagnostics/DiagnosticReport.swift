// What a run of the compiler found, ready to print: `-- spacer: ignore` applied, sorted, without repeats.
//
// The order (path, position, severity, id, message) is total and by bytes, so that the same findings give the
// same text on every machine and whatever the order in which threads delivered them.

/// The final list of a run's diagnostics.
package struct DiagnosticReport: Sendable {
  /// Sorted, without repeats, with the ignored ones gone.
  package let diagnostics: [Diagnostic]
  package let errorCount: Int
  package let warningCount: Int
  /// `--strict`: warnings stop the build too.
  package let isStrict: Bool

  /// An ignore comment and the file it stands in.
  package typealias FileIgnore = (path: String, ignore: ModuleFacts.Ignore)

  /// - Parameters:
  ///   - sources: the bytes of the files that `ignores` and located diagnostics name, by path; without a
  ///     file's bytes its lines are unknown and its ignores silence nothing.
  ///   - ignores: every `-- spacer: ignore ID` of the project.
  package init(
    _ found: [Diagnostic], sources: [String: [UInt8]], ignores: [FileIgnore] = [], isStrict: Bool = false
  ) {
    let remaining = IgnoreFilter(ignores, sources: sources).apply(to: found)
    diagnostics = Self.sorted(remaining)
    errorCount = diagnostics.count { $0.severity == .error }
    warningCount = diagnostics.count { $0.severity == .warning }
    self.isStrict = isStrict
  }

  /// Whether a build must stop.
  package var failsBuild: Bool { errorCount > 0 || isStrict && warningCount > 0 }

  /// `2 errors, 1 warning`; nil when there is neither.
  package var summary: String? {
    var parts: [String] = []
    if errorCount > 0 { parts.append(errorCount == 1 ? "1 error" : "\(errorCount) errors") }
    if warningCount > 0 { parts.append(warningCount == 1 ? "1 warning" : "\(warningCount) warnings") }
    guard !parts.isEmpty else { return nil }
    let strictness =
      isStrict && errorCount == 0 && warningCount > 0 ? " (--strict: warnings stop the build)" : ""
    return parts.joined(separator: ", ") + strictness
  }

  /// Sorts and drops repeats: the same id, severity, place and message.
  package static func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    let sorted = diagnostics.enumerated().sorted { a, b in
      precedes(a.element, b.element) ?? (a.offset < b.offset)
    }
    var result: [Diagnostic] = []
    for (_, diagnostic) in sorted {
      if let last = result.last, precedes(last, diagnostic) == nil { continue }
      result.append(diagnostic)
    }
    return result
  }

  /// Nil when neither comes first: they say the same.
  private static func precedes(_ a: Diagnostic, _ b: Diagnostic) -> Bool? {
    if a.location.path != b.location.path { return ByteOrder.precedes(a.location.path, b.location.path) }
    let (aStart, bStart) = (place(a.location.range?.start), place(b.location.range?.start))
    if aStart != bStart { return aStart < bStart }
    let (aEnd, bEnd) = (place(a.location.range?.end), place(b.location.range?.end))
    if a.severity != b.severity { return a.severity < b.severity }
    if a.id != b.id { return ByteOrder.precedes(a.id.rawValue, b.id.rawValue) }
    if aEnd != bEnd { return aEnd < bEnd }
    if a.message != b.message { return ByteOrder.precedes(a.message, b.message) }
    return nil
  }

  /// A finding about a whole file comes before those inside it.
  private static func place(_ offset: UInt32?) -> Int { offset.map { Int($0) } ?? -1 }
}
