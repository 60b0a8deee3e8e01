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
}
