// Types and options that descriptions given to `validate` name.

extension ModuleChecks {
  mutating func checkDescriptions() {
    // A module of the project's own comes before the built-in one.
    guard scan.resolve(require: "validate") == nil else { return }
    for (path, facts) in files {
      for name in facts.unknownTypes {
        var message = "validate knows no type '\(name.name)'"
        var known = DescriptionTypes.names
        var wanted = name.name
        if let (type, option) = StandardMembers.split(name.name),
          let options = DescriptionTypes.options(of: type)
        {
          message = "the type '\(type)' of validate has no option '\(option)'"
          (known, wanted) = (options.sorted(by: ByteOrder.precedes), option)
        }
        let nearest = NearestName.find(wanted, in: known)
        let list = wanted == name.name ? "the types are" : "its options are"
        diagnostics.append(
          Diagnostic(
            .unknownType, Self.severity(name), message, at: SourceLocation(path: path, range: name.range),
            hint: Self.hint(nearest) ?? "\(list) \(known.joined(separator: ", "))",
            fix: Self.fix(name.range, nearest)))
      }
    }
  }
}
