// Patterns of module names in `include`: `*` stands for any text within one part, `**` for any text at all.

/// A pattern over names whose parts are separated by `/`.
struct NamePattern {
  private enum Piece: Equatable { case byte(UInt8), part, any }

  private let pieces: [Piece]

  init(_ text: String) {
    var pieces: [Piece] = []
    for byte in text.utf8 {
      guard byte == UInt8(ascii: "*") else {
        pieces.append(.byte(byte))
        continue
      }
      if pieces.last == .part {
        pieces[pieces.count - 1] = .any
      } else if pieces.last != .any {
        pieces.append(.part)
      }
    }
    self.pieces = pieces
  }

  /// Whether the whole name matches. Time is the product of the lengths, whatever the pattern.
  func matches(_ name: String) -> Bool {
    // reached[i]: the pieces before i match the bytes so far.
    var reached = [Bool](repeating: false, count: pieces.count + 1)
    reached[0] = true
    spread(&reached)
    for byte in name.utf8 {
      var next = [Bool](repeating: false, count: pieces.count + 1)
      for (index, piece) in pieces.enumerated() where reached[index] {
        switch piece {
        case .byte(let wanted): if wanted == byte { next[index + 1] = true }
        case .part: if byte != UInt8(ascii: "/") { next[index] = true }
        case .any: next[index] = true
        }
      }
      spread(&next)
      reached = next
    }
    return reached[pieces.count]
  }

  /// A star also stands for nothing.
  private func spread(_ reached: inout [Bool]) {
    for (index, piece) in pieces.enumerated() where reached[index] && (piece == .part || piece == .any) {
      reached[index + 1] = true
    }
  }
}
