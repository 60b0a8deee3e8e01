// Types and options that descriptions given to `validate` name.

extension ModuleChecks {
  mutating func checkDescriptions() {
    // A module of the project's own comes before the built-in one.
    guard scan.resolve(require: "validate") == nil else { return }
    for (path, facts) in files {
      for name in facts.unknownTypes {
        let place = SourceLocation(path: path, range: name.range)
        if let (type, option) = DescriptionTypes.option(inFact: name.name) {
          checkOption(option, of: type, severity: Self.severity(name), at: place)
          continue
        }
        let nearest = NearestName.find(name.name, in: DescriptionTypes.names)
        diagnostics.append(
          Diagnostic(
            .unknownType, Self.severity(name), "validate knows no type '\(name.name)'", at: place,
            hint: Self.hint(nearest) ?? "the types are \(DescriptionTypes.names.joined(separator: ", "))",
            fix: Self.fix(name.range, nearest)))
      }
    }
  }

  private mutating func checkOption(
    _ option: String, of type: String, severity: Severity, at place: SourceLocation
  ) {
    let known = (DescriptionTypes.options(of: type) ?? []).sorted(by: ByteOrder.precedes)
    let nearest = NearestName.find(option, in: known)
    diagnostics.append(
      Diagnostic(
        .unknownType, severity, "the type '\(type)' of validate has no option '\(option)'", at: place,
        hint: Self.hint(nearest) ?? "its options are \(known.joined(separator: ", "))"))
  }
}
