// The configuration an artifact carries, with `${NAME}` references resolved from the environment at start,
// so that no secret is in the artifact.

import Glibc
import SpacerArtifact

/// A setting that cannot be used.
package struct SettingsError: Error, Equatable {
  package var message: String
}

/// Reads settings of an artifact.
struct Settings {
  private let artifact: LoadedArtifact

  init(_ artifact: LoadedArtifact) { self.artifact = artifact }

  /// The text of a setting, resolved; nil when it is absent or resolves to nothing.
  func text(_ key: String) throws(SettingsError) -> String? {
    guard let value = artifact.setting(key) else { return nil }
    switch value {
    case .string(let text):
      let resolved = try Self.resolve(text, key: key)
      return resolved.isEmpty ? nil : resolved
    case .integer(let number): return String(number)
    case .boolean(let flag): return flag ? "true" : "false"
    case .float(let number): return number.description
    }
  }

  /// A positive integer, with `KiB`, `MiB` or `GiB` behind it if it counts bytes.
  func integer(_ key: String, default fallback: Int, in valid: ClosedRange<Int>) throws(SettingsError) -> Int
  {
    guard let text = try text(key) else { return fallback }
    var digits = Substring(text)
    var factor = 1
    for (suffix, size) in [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
    where digits.hasSuffix(suffix) {
      digits = digits.dropLast(suffix.count)
      factor = size
    }
    while digits.last == " " { digits = digits.dropLast() }
    guard let number = Int(digits),
      case let (product, overflowed) = number.multipliedReportingOverflow(by: factor),
      !overflowed, valid.contains(product)
    else {
      throw SettingsError(
        message:
          "\(key) must be a whole number from \(valid.lowerBound) to \(valid.upperBound), not '\(text)'")
    }
    return product
  }

  /// The items of a list, or the one text of a scalar.
  func list(_ key: String) throws(SettingsError) -> [String] {
    if let text = try text(key) { return [text] }
    var items: [String] = []
    while let item = try text("\(key).\(items.count)") { items.append(item) }
    return items
  }

  /// Replaces `${NAME}` and `${NAME:-default}`.
  static func resolve(_ text: String, key: String) throws(SettingsError) -> String {
    guard text.contains("${") else { return text }
    var result = ""
    var rest = Substring(text)
    while let start = rest.firstRange(of: "${") {
      result += rest[..<start.lowerBound]
      let after = rest[start.upperBound...]
      guard let end = after.firstIndex(of: "}") else {
        throw SettingsError(message: "\(key) holds '${' without '}'")
      }
      var name = after[..<end]
      var fallback: Substring?
      if let separator = name.firstRange(of: ":-") {
        fallback = name[separator.upperBound...]
        name = name[..<separator.lowerBound]
      }
      if let value = getenv(String(name)).map({ String(cString: $0) }), !value.isEmpty || fallback == nil {
        result += value
      } else if let fallback {
        result += fallback
      } else {
        throw SettingsError(message: "\(key) needs the environment variable \(name), which is not set")
      }
      rest = after[after.index(after: end)...]
    }
    return result + rest
  }
}

extension Substring {
  /// The first place of `text`; the standard library's own needs a module this target leaves out.
  fileprivate func firstRange(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
