// Facts and diagnostics as bytes, for the cache. A test compares the number of fields with the types', so
// that a field added there is not forgotten here.

internal import SpacerArtifact

extension ByteWriter {
  mutating func facts(_ facts: ModuleFacts) {
    list(facts.requires) { writer, require in
      writer.reference(require.reference)
      writer.flag(require.isLoadTime)
    }
    list(facts.dynamicRequires) { $0.range($1) }
    for references in [facts.appends, facts.calls, facts.getenvs, facts.globalReads, facts.globalWrites] {
      list(references) { $0.reference($1) }
    }
    number(Int(facts.returnShape.rawValue))
    range(facts.returnRange)
    optional(facts.unreturnedFunction) { $0.reference($1) }
    list(facts.ignores) { writer, ignore in
      writer.number(ignore.line)
      writer.text(ignore.id)
      writer.range(ignore.range)
    }
    list(facts.diagnostics) { $0.diagnostic($1) }
    list(facts.validations) { writer, validation in
      writer.number(validation.line)
      writer.text(validation.description)
    }
    list(facts.unknownTypes) { $0.reference($1) }
    list(facts.capabilities) { writer, capability in
      writer.number(Int(capability.kind.rawValue))
      writer.optional(capability.target) { $0.text($1) }
    }
  }

  private mutating func reference(_ reference: ModuleFacts.Reference) {
    text(reference.name)
    range(reference.range)
    flag(reference.isGuarded)
  }

  private mutating func range(_ range: SourceRange) {
    number(Int(range.start))
    number(Int(range.end - range.start))
  }

  private mutating func location(_ location: SourceLocation) {
    text(location.path)
    optional(location.range) { $0.range($1) }
  }

  private mutating func diagnostic(_ diagnostic: Diagnostic) {
    text(diagnostic.id.rawValue)
    number(diagnostic.severity.rawValue)
    text(diagnostic.message)
    location(diagnostic.location)
    list(diagnostic.notes) { writer, note in
      writer.text(note.message)
      writer.optional(note.location) { $0.location($1) }
    }
    optional(diagnostic.hint) { $0.text($1) }
    optional(diagnostic.fix) { writer, fix in
      writer.range(fix.range)
      writer.text(fix.replacement)
    }
  }
}

extension ByteReader {
  mutating func facts() throws(Malformed) -> ModuleFacts {
    var facts = ModuleFacts()
    facts.requires = try list { reader throws(Malformed) in
      ModuleFacts.Require(reference: try reader.reference(), isLoadTime: try reader.flag())
    }
    facts.dynamicRequires = try list { reader throws(Malformed) in try reader.range() }
    facts.appends = try references()
    facts.calls = try references()
    facts.getenvs = try references()
    facts.globalReads = try references()
    facts.globalWrites = try references()
    guard let shape = ModuleFacts.ReturnShape(rawValue: UInt8(clamping: try number())) else {
      throw Malformed()
    }
    facts.returnShape = shape
    facts.returnRange = try range()
    facts.unreturnedFunction = try optional { reader throws(Malformed) in try reader.reference() }
    facts.ignores = try list { reader throws(Malformed) in
      ModuleFacts.Ignore(line: try reader.number(), id: try reader.text(), range: try reader.range())
    }
    facts.diagnostics = try list { reader throws(Malformed) in try reader.diagnostic() }
    facts.validations = try list { reader throws(Malformed) in
      ModuleFacts.Validation(line: try reader.number(), description: try reader.text())
    }
    facts.unknownTypes = try references()
    facts.capabilities = try list { reader throws(Malformed) in
      guard let kind = ArtifactContents.Capability.Kind(rawValue: UInt8(clamping: try reader.number())) else {
        throw Malformed()
      }
      return ArtifactContents.Capability(
        kind, try reader.optional { reader throws(Malformed) in try reader.text() })
    }
    return facts
  }

  private mutating func references() throws(Malformed) -> [ModuleFacts.Reference] {
    try list { reader throws(Malformed) in try reader.reference() }
  }

  private mutating func reference() throws(Malformed) -> ModuleFacts.Reference {
    ModuleFacts.Reference(name: try text(), range: try range(), isGuarded: try flag())
  }

  private mutating func range() throws(Malformed) -> SourceRange {
    let start = try number()
    let count = try number()
    guard start >= 0, count >= 0, start <= Int(UInt32.max), count <= Int(UInt32.max) - start else {
      throw Malformed()
    }
    return SourceRange(start: start, end: start + count)
  }

  private mutating func location() throws(Malformed) -> SourceLocation {
    SourceLocation(
      path: try text(), range: try optional { reader throws(Malformed) in try reader.range() })
  }

  private mutating func diagnostic() throws(Malformed) -> Diagnostic {
    guard let id = DiagnosticID(rawValue: try text()), let severity = Severity(rawValue: try number()) else {
      throw Malformed()
    }
    let message = try text()
    let place = try location()
    let notes = try list { reader throws(Malformed) in
      Diagnostic.Note(
        try reader.text(), at: try reader.optional { reader throws(Malformed) in try reader.location() })
    }
    let hint = try optional { reader throws(Malformed) in try reader.text() }
    let fix = try optional { reader throws(Malformed) in
      Diagnostic.Fix(range: try reader.range(), replacement: try reader.text())
    }
    return Diagnostic(id, severity, message, at: place, notes: notes, hint: hint, fix: fix)
  }
}
