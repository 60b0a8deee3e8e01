// `-- spacer: ignore ID[, ID]`: comments that silence a warning on their line.

extension FactsBuilder {
  mutating func collectIgnores() {
    var line = 1
    var counted = 0
    for comment in tree.comments {
      let ids = Self.ignoredIDs(bytes[Int(comment.range.start)..<Int(comment.range.end)])
      guard !ids.isEmpty else { continue }
      line += LuaSource.lineEnds(from: counted, to: Int(comment.range.start), in: bytes)
      counted = Int(comment.range.start)
      for id in ids { facts.ignores.append(.init(line: line, id: id, range: comment.range)) }
    }
  }

  /// The ids that a comment names; empty when it is another comment.
  private static func ignoredIDs(_ comment: ArraySlice<UInt8>) -> [String] {
    var rest = comment.drop { $0 == UInt8(ascii: "-") }
    func skipBlanks() { rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") } }
    func take(_ word: StaticString) -> Bool {
      let isNext = word.withUTF8Buffer { rest.starts(with: $0) }
      if isNext { rest = rest.dropFirst(word.utf8CodeUnitCount) }
      skipBlanks()
      return isNext
    }
    skipBlanks()
    guard take("spacer:"), rest.count > 6,
      ByteClass.table[Int(rest[rest.startIndex + 6])] & ByteClass.name == 0,
      take("ignore")
    else { return [] }
    var ids: [String] = []
    repeat {
      let id = rest.prefix { $0 == UInt8(ascii: "-") || ByteClass.table[Int($0)] & ByteClass.name != 0 }
      if !id.isEmpty { ids.append(String(decoding: id, as: UTF8.self)) }
      rest = rest.dropFirst(id.count)
      skipBlanks()
    } while take(",")
    return ids
  }
}
