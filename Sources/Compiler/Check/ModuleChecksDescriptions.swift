// Types that descriptions given to `validate` name.

extension ModuleChecks {
  mutating func checkDescriptions() {
    // A module of the project's own comes before the built-in one.
    guard scan.resolve(require: "validate") == nil else { return }
    for (path, facts) in files {
      for type in facts.unknownTypes {
        let nearest = NearestName.find(type.name, in: FactsBuilder.typeNames)
        diagnostics.append(
          Diagnostic(
            .unknownType, Self.severity(type), "validate knows no type '\(type.name)'",
            at: SourceLocation(path: path, range: type.range),
            hint: Self.hint(nearest) ?? "the types are \(FactsBuilder.typeNames.joined(separator: ", "))",
            fix: Self.fix(type.range, nearest)))
      }
    }
  }
}
