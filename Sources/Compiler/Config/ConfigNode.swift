// The YAML document as the validator sees it: aliases expanded, merge keys merged, every node with its bytes.
//
// An alias shares its anchor's node, so memory stays linear in the file; `valueCount` and `depth` are what a
// walk over the expanded tree meets, and are bounded while the tree is built.

/// One value of the configuration file.
struct ConfigNode {
  enum Content {
    /// `isPlain`: without quotes, so that `5`, `true` and `~` are more than text.
    case scalar(String, isPlain: Bool)
    case list([ConfigNode])
    case mapping([Entry])
  }

  struct Entry {
    var key: Located<String>
    var value: ConfigNode
  }

  var content: Content
  var range: SourceRange
  /// Offset of a scalar's first character when its text stands there byte for byte, else nil.
  var textStart: Int?
  var valueCount = 1
  var depth = 1

  /// Nothing, `~` or `null`: the key counts as absent.
  var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// What the node is, for messages: `a list`.
  var kindName: String {
    switch content {
    case .list: return "a list"
    case .mapping: return "a mapping"
    case .scalar:
      if isNull { return "nothing" }
      if boolean != nil { return "true or false" }
      if isNumber { return "a number" }
      return "text"
    }
  }

  /// The text of a scalar.
  var text: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }

  var boolean: Bool? {
    guard case .scalar(let text, isPlain: true) = content else { return nil }
    switch text {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: return nil
    }
  }

  /// A plain whole decimal number that fits.
  var integer: Int64? {
    guard case .scalar(let text, isPlain: true) = content else { return nil }
    let digits = text.utf8.drop { $0 == 0x2D || $0 == 0x2B }
    guard text.utf8.count - digits.count <= 1, !digits.isEmpty,
      digits.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return Int64(text)
  }

  /// A plain number in any of YAML's forms.
  var isNumber: Bool {
    guard case .scalar(let text, isPlain: true) = content, let first = text.utf8.first else { return false }
    guard (0x30...0x39).contains(first) || first == 0x2D || first == 0x2B || first == 0x2E else {
      return false
    }
    return Double(text) != nil
  }
}
