// What a description of a value can say: the types that `validate` and a topic's `schema` know, and their options.

enum DescriptionTypes {
  /// Options by type, besides those of every type.
  private static let ownOptions: [String: [String]] = [
    "any": [], "array": ["items", "max", "min"], "boolean": [], "integer": ["max", "min"],
    "number": ["max", "min"], "object": ["extra", "fields"],
    "string": ["format", "max", "min", "pattern"],
  ]
  private static let commonOptions = [
    "default", "description", "enum", "message", "nullable", "optional", "type",
  ]

  /// In byte order.
  static let names = ownOptions.keys.sorted()

  /// The options of a type; nil for a name of none.
  static func options(of type: String) -> [String]? { ownOptions[type].map { commonOptions + $0 } }

  /// How a fact names an option that a type does not have: apart from a type of any name.
  static func fact(option: String, of type: String) -> String { "\(type)\0\(option)" }

  /// Nil for what names a type.
  static func option(inFact name: String) -> (type: String, option: String)? {
    guard let end = name.firstIndex(of: "\0") else { return nil }
    return (String(name[..<end]), String(name[name.index(after: end)...]))
  }
}
