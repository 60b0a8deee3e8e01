// Where two artifacts that should be the same differ first: the section, and the offsets in it and in the file.

import SpacerArtifact

enum ArtifactComparison {
  /// A sentence's part about the first difference; nil when there is none.
  static func difference(_ first: [UInt8], _ second: [UInt8]) -> String? {
    if first == second { return nil }
    guard let a = try? ArtifactFile(first), let b = try? ArtifactFile(second) else {
      return "one of them is no artifact"
    }
    let (mine, theirs) = (a.image.sections, b.image.sections)
    for section in mine {
      guard let other = theirs.first(where: { $0.name == section.name }) else {
        return "only one of them has the section '\(section.name)'"
      }
      let one = first[section.offset..<(section.offset + section.length)]
      let two = second[other.offset..<(other.offset + other.length)]
      let common = zip(one, two).prefix { $0 == $1 }.count
      if common == one.count && common == two.count { continue }
      let lengths =
        one.count == two.count ? "" : "; it has \(one.count) bytes in one and \(two.count) in the other"
      return "the section '\(section.name)' first differs at its byte \(common), offset "
        + "\(section.offset + common) of the file\(lengths)"
    }
    if let section = theirs.first(where: { other in !mine.contains { $0.name == other.name } }) {
      return "only one of them has the section '\(section.name)'"
    }
    let offset = zip(first, second).prefix { $0 == $1 }.count
    return "the header first differs at offset \(offset)"
  }
}
