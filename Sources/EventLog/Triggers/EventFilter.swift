// The compiled form is a JSON array of conditions, all of which must hold:
//
//   [{"path":["type"],"equals":["created","updated"]},
//    {"path":["customer","region"],"prefix":["eu-"]},
//    {"path":["vip"],"exists":true}]
//
// A path leads through objects, by member names. Of members with equal names the last one counts, as in what handlers
// see. `exists` holds for null as well. Numbers are equal by what they mean: 1 is 1.0.

/// Which events a trigger takes, decided on the payload's bytes.
package struct EventFilter: Equatable, Sendable {
  /// What a compiled filter may have at most.
  private enum Limits {
    static let textBytesMax = 64 << 10
    static let conditionCountMax = 64
    static let pathCountMax = 32
    static let valueCountMax = 1_024
  }

  private enum Test: Equatable, Sendable {
    case equals([JSONValue])
    /// UTF-8.
    case prefix([[UInt8]])
    case exists(Bool)
  }

  private struct Condition: Equatable, Sendable {
    /// Member names, UTF-8.
    var path: [[UInt8]]
    var test: Test
  }

  private var conditions: [Condition] = []

  /// Reads the compiled form.
  /// - Throws: `failed` on anything else, and on what is over the limits.
  package init(_ text: String) throws(EventLogError) {
    guard text.utf8.count <= Limits.textBytesMax, let elements = JSONArray.elements(Array(text.utf8)),
      elements.count <= Limits.conditionCountMax
    else { throw Self.failure }
    for element in elements {
      guard let object = JSONObject(element), let path = object.raw("path").flatMap(Self.strings),
        !path.isEmpty, path.count <= Limits.pathCountMax, object.memberCount == 2,
        let test = Self.test(object)
      else { throw Self.failure }
      conditions.append(Condition(path: path, test: test))
    }
  }

  private static var failure: EventLogError {
    EventLogError(.failed, "a trigger's filter is none: build the artifact again")
  }

  private static func test(_ object: JSONObject) -> Test? {
    if let values = object.raw("equals").flatMap(JSONArray.elements), values.count <= Limits.valueCountMax {
      let read = values.compactMap { JSONValue($0) }
      return read.count == values.count ? .equals(read) : nil
    }
    if let prefixes = object.raw("prefix").flatMap(strings), prefixes.count <= Limits.valueCountMax {
      return .prefix(prefixes)
    }
    if case .bool(let exists)? = object.raw("exists").flatMap({ JSONValue($0) }) { return .exists(exists) }
    return nil
  }

  private static func strings(_ json: [UInt8]) -> [[UInt8]]? {
    guard let elements = JSONArray.elements(json) else { return nil }
    let strings = elements.compactMap { element -> [UInt8]? in
      var scanner = JSONScanner(element)
      return scanner.skipString().map { scanner.text($0) }
    }
    return strings.count == elements.count ? strings : nil
  }

  /// Whether all conditions hold. False for what is no JSON.
  package func matches(_ payload: [UInt8]) -> Bool {
    guard JSONScanner.isValid(payload) else { return false }
    return conditions.allSatisfy { condition in
      let place = Self.find(condition.path, in: payload)
      switch condition.test {
      case .exists(let exists): return (place != nil) == exists
      case .prefix(let prefixes): return place.map { Self.hasPrefix(prefixes, payload, $0) } ?? false
      case .equals(let values): return place.map { Self.equals(values, payload, $0) } ?? false
      }
    }
  }

  /// Where the value of a path begins. The payload is JSON.
  private static func find(_ path: [[UInt8]], in payload: [UInt8]) -> Int? {
    var start = 0
    for name in path {
      var scanner = JSONScanner(payload, from: start)
      guard scanner.take(UInt8(ascii: "{")), scanner.peek() == UInt8(ascii: "\"") else { return nil }
      var found: Int?
      repeat {
        guard scanner.peek() != nil, let string = scanner.skipString(), scanner.take(UInt8(ascii: ":")),
          scanner.peek() != nil
        else { return nil }
        if isText(name, string, scanner) { found = scanner.place }
        guard scanner.skipValue() else { return nil }
      } while scanner.take(UInt8(ascii: ","))
      guard let found else { return nil }
      start = found
    }
    return start
  }

  private static func isText(
    _ text: [UInt8], _ string: JSONScanner.StringPlace, _ scanner: JSONScanner
  ) -> Bool {
    if string.hasEscapes { return scanner.text(string) == text }
    return string.range.count == text.count && scanner.bytes[string.range].elementsEqual(text)
  }

  private static func hasPrefix(_ prefixes: [[UInt8]], _ payload: [UInt8], _ place: Int) -> Bool {
    var scanner = JSONScanner(payload, from: place)
    guard let string = scanner.skipString() else { return false }
    if string.hasEscapes {
      let text = scanner.text(string)
      return prefixes.contains { text.starts(with: $0) }
    }
    return prefixes.contains { payload[string.range].starts(with: $0) }
  }

  private static func equals(_ values: [JSONValue], _ payload: [UInt8], _ place: Int) -> Bool {
    var scanner = JSONScanner(payload, from: place)
    switch scanner.peek() {
    case UInt8(ascii: "\""):
      guard let string = scanner.skipString() else { return false }
      return values.contains { value in
        guard case .string(let text) = value else { return false }
        return isText(text, string, scanner)
      }
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      // Most filters ask for no such values: what the payload has there is not read then.
      let compounds = values.filter { value in
        switch value {
        case .array, .object: true
        case .null, .bool, .number, .string: false
        }
      }
      guard !compounds.isEmpty, scanner.skipValue() else { return false }
      guard let value = JSONValue(Array(payload[place..<scanner.place])) else { return false }
      return compounds.contains(value)
    default:
      guard scanner.skipValue(), let value = JSONValue(Array(payload[place..<scanner.place])) else {
        return false
      }
      return values.contains(value)
    }
  }
}
