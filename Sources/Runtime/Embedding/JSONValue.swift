// What passes between Lua and the Swift functions of an embedding program.

/// A JSON value: what a host function is given and what it gives back.
///
/// ```swift
/// let value: JSONValue = ["name": "Ada", "scores": [1, 2.5], "admin": true, "manager": nil]
/// value["scores"][0].intValue  // 1
/// ```
public enum JSONValue: Hashable, Sendable {
  /// Lua's `nil`, where it is a whole argument or result; `cjson.null` within a table.
  case null
  case bool(Bool)
  /// A Lua integer.
  case int(Int)
  /// A Lua float. One that is no number, or infinite, cannot be given back.
  case double(Double)
  /// UTF-8.
  case string(String)
  /// A table with the keys 1 to n.
  case array([JSONValue])
  /// A table with other keys; integers are written as decimal text.
  case object([String: JSONValue])

  /// The text of a string; nil for another value.
  public var stringValue: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// A whole number, also one that is stored as a float without a fraction; nil for another value.
  public var intValue: Int? {
    switch self {
    case .int(let number): number
    case .double(let number): Int(exactly: number)
    default: nil
    }
  }

  /// A number; nil for another value.
  public var doubleValue: Double? {
    switch self {
    case .int(let number): Double(number)
    case .double(let number): number
    default: nil
    }
  }

  /// A boolean; nil for another value.
  public var boolValue: Bool? {
    if case .bool(let flag) = self { flag } else { nil }
  }

  /// The items of an array; an empty table without keys, as `{}` in Lua, counts as one. Nil for another value.
  public var arrayValue: [JSONValue]? {
    switch self {
    case .array(let items): items
    case .object(let fields) where fields.isEmpty: []
    default: nil
    }
  }

  /// The fields of an object; nil for another value.
  public var objectValue: [String: JSONValue]? {
    if case .object(let fields) = self { fields } else { nil }
  }

  /// Whether it is `null`.
  public var isNull: Bool { self == .null }

  /// A field of an object; `null` where there is none.
  public subscript(name: String) -> JSONValue { objectValue?[name] ?? .null }

  /// An item of an array, from 0; `null` where there is none.
  public subscript(position: Int) -> JSONValue {
    guard case .array(let items) = self, items.indices.contains(position) else { return .null }
    return items[position]
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  /// Makes `null`.
  public init(nilLiteral: ()) { self = .null }
  /// Makes `.bool`.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// Makes `.int`.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// Makes `.double`.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// Makes `.string`.
  public init(stringLiteral value: String) { self = .string(value) }
  /// Makes `.array`.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

  /// Of two values under one name the later counts.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements) { $1 })
  }
}
