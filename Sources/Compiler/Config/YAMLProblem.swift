// The parser's errors in the words of someone who has to mend the file.

internal import Yams

/// Turns the parser's errors into failures with a place and a way out.
enum YAMLProblem {
  static func failure(_ error: YamlError, in text: YAMLText) -> YAMLFailure {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
      return failure(problem, context: context, at: mark, in: text)
    case .composer(_, let problem, let mark, _):
      let offset = text.offset(line: mark.line, column: mark.column)
      if problem.contains("another document") {
        return YAMLFailure(
          "the file holds more than one document", at: offset..<(offset + 3),
          hint: "keep one, and remove the line '---' between them")
      }
      return YAMLFailure("the file is not valid YAML: \(problem)", at: offset..<(offset + 1))
    case .duplicatedKeysInMapping(let names, let context):
      return duplicate(names.map { text.original($0) }, context.mark, in: text)
    case .reader(let problem, _, _, _):
      return YAMLFailure("the file is not valid YAML: \(problem)")
    case .memory:
      return YAMLFailure("the file needs more memory than there is")
    default:
      return YAMLFailure("the file is not valid YAML")
    }
  }

  private static func failure(
    _ problem: String, context: YamlError.Context?, at mark: Mark, in text: YAMLText
  ) -> YAMLFailure {
    let offset = text.offset(line: mark.line, column: mark.column)
    let byte = offset < text.bytes.count ? text.bytes[offset] : 0
    var note: (message: String, offset: Int)?
    if let context {
      let place = text.offset(line: context.mark.line, column: context.mark.column)
      if place != offset { note = (context.text, place) }
    }
    if problem.contains("nesting level") {
      return YAMLFailure(
        "values are nested deeper than \(ConfigLimits.depthMax) levels", at: offset..<(offset + 1))
    }
    if problem.contains("cannot start any token") {
      if byte == 0x09 {
        return YAMLFailure(
          "a tab cannot indent YAML", at: offset..<(offset + 1), note: note, hint: "indent with spaces")
      }
      let (scalar, length) = CodePoints.decode(text.bytes, at: offset, limit: text.bytes.count)
      return YAMLFailure(
        "a value cannot begin with '\(scalar.map(String.init) ?? "?")'", at: offset..<(offset + length),
        note: note, hint: "put it in quotes")
    }
    if problem.contains("tab character") {
      return YAMLFailure(
        "a tab cannot indent YAML", at: offset..<(offset + 1), note: note, hint: "indent with spaces")
    }
    return YAMLFailure(
      "the file is not valid YAML: \(problem)", at: offset..<(offset + 1), note: note, hint: hint(problem))
  }

  private static func hint(_ problem: String) -> String? {
    if problem.contains("mapping values are not allowed") {
      return "a value that holds ': ' needs quotes, and keys of one mapping need the same indentation"
    }
    if problem.contains("did not find expected key") || problem.contains("expected <block end>")
      || problem.contains("did not find expected '-' indicator")
      || problem.contains("sequence entries are not allowed")
    {
      return "check the indentation: entries that belong together begin in the same column"
    }
    if problem.contains("could not find expected ':'") { return "write 'key: value', with a blank after ':'" }
    if problem.contains("unexpected end of stream") { return "a quote is never closed" }
    if problem.contains("',' or ']'") { return "close the list with ']'" }
    if problem.contains("',' or '}'") { return "close the mapping with '}'" }
    return nil
  }

  /// The parser names the key and its first place; the repetition is the next line that begins alike.
  private static func duplicate(_ names: [String], _ mark: Mark, in text: YAMLText) -> YAMLFailure {
    let first = text.offset(line: mark.line, column: mark.column)
    let name = names.first ?? ""
    let key = Array(name.utf8)
    let message = "the key '\(name)' is written twice"
    let hint = "keep one of the two"
    let firstRange = first..<(first + Swift.max(1, key.count))
    var line = mark.line + 1
    while true {
      let start = text.offset(line: line, column: 1)
      guard start < text.bytes.count else { break }
      let offset = text.offset(line: line, column: mark.column)
      let rest = text.bytes[offset...].drop { $0 == 0x22 || $0 == 0x27 }
      let indent = text.bytes[start..<offset]
      let after = rest.dropFirst(key.count).drop { $0 == 0x22 || $0 == 0x27 || $0 == 0x20 }
      if rest.starts(with: key), after.first == 0x3A, indent.allSatisfy({ $0 == 0x20 || $0 == 0x2D }) {
        return YAMLFailure(
          message, at: rest.startIndex..<(rest.startIndex + key.count), note: ("it is here first", first),
          hint: hint)
      }
      line += 1
    }
    return YAMLFailure(message, at: firstRange, hint: hint)
  }
}
