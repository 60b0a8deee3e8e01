// `-- spacer: ignore ID` at the end of a line drops that line's warnings (and notes) of that id. Errors stay:
// an artifact that cannot work is never built. An ignore that silenced nothing is reported, since it would
// hide the next, real finding.

/// Applies the ignore comments of a project.
struct IgnoreFilter {
  private let ignores: [DiagnosticReport.FileIgnore]
  private let maps: LineMaps
  /// Files with an ignore; the lines of others need not be known.
  private let paths: Set<String>

  private struct Key: Hashable {
    var path: String
    var line: Int
    var id: String
  }

  init(_ ignores: [DiagnosticReport.FileIgnore], sources: [String: [UInt8]]) {
    self.ignores = ignores
    maps = LineMaps(sources)
    paths = Set(ignores.map(\.path))
  }

  func apply(to found: [Diagnostic]) -> [Diagnostic] {
    guard !ignores.isEmpty else { return found }
    let known = Set(ignores.map { Key(path: $0.path, line: $0.ignore.line, id: $0.ignore.id) })
    var used: Set<Key> = []
    var kept = filter(found, known: known, used: &used)
    let erroneous = Set(kept.filter { $0.severity == .error }.compactMap { key($0) })
    let unused = ignores.compactMap { entry -> Diagnostic? in
      let key = Key(path: entry.path, line: entry.ignore.line, id: entry.ignore.id)
      guard !used.contains(key), key.id != DiagnosticID.unusedIgnore.rawValue else { return nil }
      return complaint(entry.ignore, path: entry.path, hitsError: erroneous.contains(key))
    }
    kept += filter(unused, known: known, used: &used)
    // An ignore of `unused-ignore` itself is judged last.
    for entry in ignores where entry.ignore.id == DiagnosticID.unusedIgnore.rawValue {
      let key = Key(path: entry.path, line: entry.ignore.line, id: entry.ignore.id)
      if !used.contains(key) { kept.append(complaint(entry.ignore, path: entry.path, hitsError: false)) }
    }
    return kept
  }

  private func filter(_ found: [Diagnostic], known: Set<Key>, used: inout Set<Key>) -> [Diagnostic] {
    var kept: [Diagnostic] = []
    for diagnostic in found {
      if diagnostic.severity != .error, let key = key(diagnostic), known.contains(key) {
        used.insert(key)
      } else {
        kept.append(diagnostic)
      }
    }
    return kept
  }

  private func key(_ diagnostic: Diagnostic) -> Key? {
    guard paths.contains(diagnostic.location.path), let map = maps[diagnostic.location.path],
      let range = diagnostic.location.range
    else { return nil }
    return Key(
      path: diagnostic.location.path, line: map.line(at: Int(range.start)), id: diagnostic.id.rawValue)
  }

  private func complaint(_ ignore: ModuleFacts.Ignore, path: String, hitsError: Bool) -> Diagnostic {
    let location = SourceLocation(path: path, range: ignore.range)
    guard DiagnosticID(rawValue: ignore.id) != nil else {
      let ids = DiagnosticID.allCases.map(\.rawValue)
      return Diagnostic(
        .unusedIgnore, .warning, "no diagnostic has the id '\(ignore.id)'", at: location,
        hint: NearestName.hint(ignore.id, in: ids) ?? "the id stands in brackets at the end of a message")
    }
    return Diagnostic(
      .unusedIgnore, .warning, "this comment silences nothing: the line has no warning '\(ignore.id)'",
      at: location, hint: hitsError ? "an error cannot be ignored" : "remove the comment")
  }
}
