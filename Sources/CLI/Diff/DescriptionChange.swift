// Whether a new description of values takes all that the old one took: of arguments that `validate` checks, and of a
// topic's payloads. What is not understood counts as taken by nobody.

import SpacerEventLog

/// The comparison of two descriptions, as the artifact holds them.
struct DescriptionChange {
  /// What the new one refuses and the old one took, a sentence each, in the order of the fields' names; empty when it
  /// refuses nothing that was taken.
  private(set) var refusals: [String] = []

  /// - Parameters:
  ///   - old: JSON.
  ///   - new: JSON.
  init(old: String, new: String) {
    guard let before = JSONValue(Array(old.utf8)), let after = JSONValue(Array(new.utf8)) else {
      refusals = ["they cannot be compared: they are nested deeper than 32 levels"]
      return
    }
    compare(before, after, place: "")
  }

  /// The description that takes everything.
  private static let any = JSONValue.string(Array("any".utf8))

  // MARK: Values

  private mutating func compare(_ old: JSONValue, _ new: JSONValue, place: String) {
    if old == new { return }
    let (before, after) = (Description(old), Description(new))
    guard let before, let after else { return refuse(place, "is described in another way") }
    // A field that may be missing takes null for it.
    if before.isNullable, !after.isNullable, !after.isOptional { refuse(place, "can no longer be null") }
    guard
      after.type == "any" || after.type == before.type || (before.type, after.type) == ("integer", "number")
    else {
      return refuse(place, "is \(after.type), and was \(before.type)")
    }
    compareChoices(before, after, place)
    compareBounds(before, after, place)
    for option in ["pattern", "format"] {
      if let value = after[option], before[option] != value { refuse(place, "has another \(option)") }
    }
    if let items = after["items"] {
      compare(before["items"] ?? Self.any, items, place: place + "[]")
    }
    if after.type == "object" { compareFields(before, after, place) }
  }

  private mutating func compareChoices(_ old: Description, _ new: Description, _ place: String) {
    guard case .array(let choices) = new["enum"] else { return }
    // Of `any` the values are what came; of a number or a boolean a text that means one.
    if new.type == "any", old.type != "any", old.type != "string" { refuse(place, "takes no texts any more") }
    guard case .array(let were) = old["enum"] else {
      return refuse(place, "is one of few values, and was any")
    }
    if !were.allSatisfy(choices.contains) { refuse(place, "has fewer values") }
  }

  private mutating func compareBounds(_ old: Description, _ new: Description, _ place: String) {
    if let bound = new.number("min"), (old.number("min") ?? -.infinity) < bound {
      refuse(place, "has a higher min")
    }
    if let bound = new.number("max"), (old.number("max") ?? .infinity) > bound {
      refuse(place, "has a lower max")
    }
  }

  private mutating func compareFields(_ old: Description, _ new: Description, _ place: String) {
    let (before, after) = (old.fields, new.fields)
    let refusesOthers = new.refusesOthers
    if refusesOthers, !old.refusesOthers { refuse(place, "can no longer have other fields") }
    for (name, was) in before.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let field = Self.join(place, name)
      guard let now = after[name] else {
        if refusesOthers { refuse(field, "is refused") }
        continue
      }
      if Description(was)?.isOptional == true, Description(now)?.isOptional == false {
        refuse(field, "is required")
      }
      compare(was, now, place: field)
    }
    for (name, now) in after.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) })
    where before[name] == nil {
      let field = Self.join(place, name)
      if Description(now)?.isOptional != true {
        refuse(field, "is new and required")
      } else if old.handsOthersOn {
        compare(Self.any, now, place: field)
      }
    }
  }

  private mutating func refuse(_ place: String, _ what: String) {
    refusals.append(place.isEmpty ? "the whole \(what)" : "'\(place)' \(what)")
  }

  private static func join(_ place: String, _ name: [UInt8]) -> String {
    let name = String(decoding: name, as: UTF8.self)
    return place.isEmpty ? name : "\(place).\(name)"
  }

  /// What one value is described as.
  private struct Description {
    var type = "any"
    private var members: [[UInt8]: JSONValue] = [:]

    /// Nil for what is none.
    init?(_ value: JSONValue) {
      switch value {
      case .string(let name): type = String(decoding: name, as: UTF8.self)
      case .object(let all):
        members = all
        if case .string(let name) = self["type"] {
          type = String(decoding: name, as: UTF8.self)
        } else if self["fields"] != nil {
          type = "object"
        } else if self["items"] != nil {
          type = "array"
        } else if case .array(let choices) = self["enum"] {
          type = Self.type(of: choices)
        } else {
          return nil
        }
      default: return nil
      }
    }

    /// Of values that are listed, when the type is not.
    private static func type(of choices: [JSONValue]) -> String {
      let types = Set(
        choices.map { choice in
          switch choice {
          case .string: "string"
          case .number: "number"
          case .bool: "boolean"
          default: "any"
          }
        })
      return types.count == 1 ? types.first ?? "any" : "any"
    }

    subscript(option: String) -> JSONValue? { members[Array(option.utf8)] }

    func number(_ option: String) -> Double? {
      switch self[option] {
      case .number(.integer(let value)): Double(value)
      case .number(.double(let value)): value
      default: nil
      }
    }

    /// Of an object: without fields, nothing is looked at.
    var refusesOthers: Bool { self["fields"] != nil && self["extra"] == .string(Array("error".utf8)) }
    /// Whether fields that are not described come through as they are.
    var handsOthersOn: Bool { self["fields"] == nil || self["extra"] == .string(Array("keep".utf8)) }

    var isNullable: Bool { self["nullable"] == .bool(true) }
    /// A field with a default may be missing too.
    var isOptional: Bool { self["optional"] == .bool(true) || self["default"] != nil }

    var fields: [[UInt8]: JSONValue] {
      if case .object(let fields) = self["fields"] { fields } else { [:] }
    }
  }
}
