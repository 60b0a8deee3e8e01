// The same artifact with other code in some of its modules, as `encode` would write it: what a save while `dev` runs
// mostly comes to. Only the bytecode moves; names, graph, routes and settings stay as they are written.

/// Rewrites modules of an artifact that was written by this release.
package enum ArtifactPatch {
  /// What is new about one module.
  package struct Module: Sendable {
    /// Of its file, as it stands in the artifact.
    package var path: String
    package var bytecode: [UInt8]
    package var contentHash: UInt64
    /// The lines of its validations, as many as before.
    package var validationLines: [Int]

    package init(path: String, bytecode: [UInt8], contentHash: UInt64, validationLines: [Int]) {
      self.path = path
      self.bytecode = bytecode
      self.contentHash = contentHash
      self.validationLines = validationLines
    }
  }

  /// The artifact with `modules` in place of what it holds of them; nil when that cannot be done, as when it has no
  /// such module.
  package static func apply(_ modules: [Module], to artifact: [UInt8]) -> [UInt8]? {
    guard var file = PatchedFile(artifact) else { return nil }
    for module in modules {
      guard file.replace(module) else { return nil }
    }
    return file.assembled()
  }
}

/// An artifact under way, in its sections. Everything read is checked: what does not fit gives nil.
private struct PatchedFile {
  private typealias Layout = ArtifactLayout

  private var sections: [ArtifactWriter.Section] = []

  init?(_ bytes: [UInt8]) {
    guard let count = bytes[...].number(UInt32.self, at: Layout.Header.sectionCount) else { return nil }
    for index in 0..<count {
      let entry = Layout.Header.size + index * Layout.Section.size
      guard let number = bytes[...].number(UInt32.self, at: entry + Layout.Section.kind),
        let kind = SectionKind(rawValue: UInt32(clamping: number)),
        let offset = bytes[...].number(UInt64.self, at: entry + Layout.Section.offset),
        let length = bytes[...].number(UInt64.self, at: entry + Layout.Section.length),
        let checksum = bytes[...].load(UInt64.self, at: entry + Layout.Section.checksum),
        // What is signed is not ours to change.
        kind != .signature, offset <= bytes.count, length <= bytes.count - offset
      else { return nil }
      sections.append(
        ArtifactWriter.Section(kind: kind, pieces: [bytes[offset..<offset + length]], checksum: checksum))
    }
  }

  func assembled() -> [UInt8]? { try? ArtifactWriter.assemble(sections) }

  mutating func replace(_ module: ArtifactPatch.Module) -> Bool {
    guard let modules = section(.modules), modules.count.isMultiple(of: Layout.Module.size),
      let strings = section(.strings),
      let index = Self.index(of: module.path, modules, strings)
    else { return false }
    let record = index * Layout.Module.size
    guard let start = modules.number(UInt64.self, at: record + Layout.Module.bytecodeOffset),
      let length = modules.number(UInt64.self, at: record + Layout.Module.bytecodeLength)
    else { return false }
    let isLast = record + Layout.Module.size >= modules.count
    guard let shift = replaceCode(start, length, module.bytecode, isLast: isLast) else { return false }
    var table = ByteBuilder(Array(modules))
    table.set(UInt64(module.bytecode.count), at: record + Layout.Module.bytecodeLength)
    table.set(module.contentHash, at: record + Layout.Module.contentHash)
    if shift != 0 {
      for next in stride(from: record + Layout.Module.size, to: modules.count, by: Layout.Module.size) {
        let field = next + Layout.Module.bytecodeOffset
        guard let offset = modules.number(UInt64.self, at: field),
          let moved = UInt64(exactly: offset.addingReportingOverflow(shift).partialValue)
        else { return false }
        table.set(moved, at: field)
      }
    }
    return set(.modules, [table.bytes[...]]) && setLines(module.validationLines, ofModule: index)
  }

  /// Puts code in the place of a module's; how far what follows has moved, or nil.
  private mutating func replaceCode(_ start: Int, _ length: Int, _ code: [UInt8], isLast: Bool) -> Int? {
    guard let place = sections.firstIndex(where: { $0.kind == .bytecode }) else { return nil }
    let pieces = sections[place].pieces
    let whole = pieces.reduce(0) { $0 + $1.count }
    guard start <= whole, length <= whole - start else { return nil }
    // The next module's place, or the end.
    let end = isLast ? whole : Self.aligned(start + length)
    guard end <= whole else { return nil }
    let padding = isLast ? 0 : Self.aligned(start + code.count) - (start + code.count)
    let zeros = [UInt8](repeating: 0, count: padding)
    let new = Self.cut(pieces, 0..<start) + [code[...], zeros[...]] + Self.cut(pieces, end..<whole)
    guard set(.bytecode, new) else { return nil }
    return start + code.count + padding - end
  }

  /// The pieces that make up a range of what `pieces` make up.
  private static func cut(_ pieces: [ArraySlice<UInt8>], _ range: Range<Int>) -> [ArraySlice<UInt8>] {
    var result: [ArraySlice<UInt8>] = []
    var offset = 0
    for piece in pieces {
      let part = range.clamped(to: offset..<offset + piece.count)
      let start = piece.startIndex - offset
      if !part.isEmpty { result.append(piece[start + part.lowerBound..<start + part.upperBound]) }
      offset += piece.count
    }
    return result
  }

  private mutating func setLines(_ lines: [Int], ofModule module: Int) -> Bool {
    guard let validations = section(.validations) else { return lines.isEmpty }
    guard validations.count.isMultiple(of: Layout.Validation.size) else { return false }
    var table = ByteBuilder(Array(validations))
    var rest = lines[...]
    for entry in stride(from: 0, to: validations.count, by: Layout.Validation.size) {
      guard let owner = validations.number(UInt32.self, at: entry + Layout.Validation.module) else {
        return false
      }
      guard owner == module else { continue }
      guard let line = rest.popFirst() else { return false }
      table.set(UInt32(clamping: line), at: entry + Layout.Validation.line)
    }
    return rest.isEmpty && set(.validations, [table.bytes[...]])
  }

  /// The module's number in the file.
  private static func index(
    of path: String, _ modules: ArraySlice<UInt8>, _ strings: ArraySlice<UInt8>
  ) -> Int? {
    let wanted = Array(path.utf8)
    for record in stride(from: 0, to: modules.count, by: Layout.Module.size) {
      guard let length = modules.number(UInt32.self, at: record + Layout.Module.path + 4) else { return nil }
      guard length == wanted.count, let offset = modules.number(UInt32.self, at: record + Layout.Module.path),
        offset <= strings.count - length
      else { continue }
      let start = strings.startIndex + offset
      if strings[start..<start + length].elementsEqual(wanted) { return record / Layout.Module.size }
    }
    return nil
  }

  /// A section's bytes, which are in one piece but for the bytecode's.
  private func section(_ kind: SectionKind) -> ArraySlice<UInt8>? {
    sections.first { $0.kind == kind }?.pieces.first
  }

  private mutating func set(_ kind: SectionKind, _ pieces: [ArraySlice<UInt8>]) -> Bool {
    guard let place = sections.firstIndex(where: { $0.kind == kind }) else { return false }
    sections[place].pieces = pieces
    sections[place].checksum = nil
    return true
  }

  private static func aligned(_ offset: Int) -> Int {
    (offset + Layout.bytecodeAlignment - 1) / Layout.bytecodeAlignment * Layout.bytecodeAlignment
  }
}

extension ArraySlice<UInt8> {
  /// A little-endian value, `offset` bytes behind the slice's start; nil beyond its end.
  fileprivate func load<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value? {
    let size = Value.bitWidth / 8
    guard offset >= 0, offset <= count - size else { return nil }
    var value: Value = 0
    for index in (0..<size).reversed() { value = value << 8 | Value(self[startIndex + offset + index]) }
    return value
  }

  fileprivate func number<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Int? {
    load(type, at: offset).flatMap { Int(exactly: $0) }
  }
}
