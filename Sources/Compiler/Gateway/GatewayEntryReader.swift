// Checks the shape of what the gateway returned: an array of `{METHOD, PATH, FUNCTION}`.

internal import SpacerArtifact
internal import SpacerLuaVM

/// Reads the gateway's value; finds what is malformed.
struct GatewayEntryReader {
  let locator: RouteLocator
  private(set) var entries: [GatewayEntry] = []
  private(set) var diagnostics: [Diagnostic] = []

  init(locator: RouteLocator) { self.locator = locator }

  private static let fieldNames = GatewaySchema.fields.map(\.name)

  mutating func read(_ value: GatewayState.Value) {
    guard case .table(let table) = value else {
      return report(
        "the gateway returns \(Self.describe(value)), not a list of routes", at: locator.gateway,
        hint: "end the file with `return { {\"GET\", \"/hello\", \"hello\"} }`")
    }
    for (key, value) in table.others {
      let place = place(of: value) ?? locator.place(of: table)
      if case .integer(let index) = key, index > Int64(table.items.count) {
        report("the list of routes has a hole: nothing at index \(table.items.count + 1)", at: place)
      } else {
        report(
          "the list of routes has a key \(Self.describe(key)) that is no index", at: place,
          hint: "routes are listed one after the other: { {…}, {…} }")
      }
    }
    guard table.items.count <= CompilerLimits.routesMax else {
      return report(
        "the gateway has \(table.items.count) routes, more than \(CompilerLimits.routesMax)",
        at: locator.place(of: table))
    }
    for (index, item) in table.items.enumerated() {
      // A computed mistake repeats: enough of it is enough.
      if diagnostics.count >= CompilerLimits.malformedRoutesMax { break }
      readEntry(item, index: index, of: table)
    }
  }

  private func place(of value: GatewayState.Value) -> SourceLocation? {
    guard case .table(let table) = value else { return nil }
    let place = locator.places(of: table).entry
    return place.range == nil ? nil : place
  }

  private mutating func readEntry(_ value: GatewayState.Value, index: Int, of list: GatewayState.Table) {
    guard case .table(let table) = value else {
      return report(
        "route \(index + 1) is \(Self.describe(value)), not {METHOD, PATH, FUNCTION}",
        at: locator.place(ofItem: index, in: list))
    }
    let places = locator.places(of: table)
    if let (key, _) = table.others.first {
      // A name without quotes is nil, and leaves a hole.
      let count = table.items.count
      if case .integer(let number) = key, count < 3, 2...3 ~= number, number > count {
        return report(
          "a route has three parts, {METHOD, PATH, FUNCTION}; this one has nothing as part \(count + 1)",
          at: places.entry, hint: "names are texts, in quotes: {\"GET\", \"/hello\", \"hello\"}")
      }
      return report(
        "a route has three parts, {METHOD, PATH, FUNCTION}; this one has a key \(Self.describe(key))",
        at: places.entry)
    }
    guard table.items.count == Self.fieldNames.count else {
      let count = table.items.count
      let missing = count < 3 ? ": \(Self.fieldNames[count...].joined(separator: " and ")) missing" : ""
      return report(
        "a route has three parts, {METHOD, PATH, FUNCTION}; this one has \(count)\(missing)",
        at: places.entry, hint: "write it as {\"GET\", \"/hello\", \"hello\"}, with the names in quotes")
    }
    var texts: [String] = []
    for (index, item) in table.items.enumerated() {
      guard case .string(let bytes) = item, let text = String(validating: bytes, as: UTF8.self) else {
        let isText = if case .string = item { true } else { false }
        return report(
          "\(Self.fieldNames[index]) is \(isText ? "not valid UTF-8" : Self.describe(item) + ", not a string")",
          at: places.fields[index],
          hint: index == 2 ? "name the function by its file: app/users/get.lua is \"users/get\"" : nil)
      }
      texts.append(text)
    }
    if texts[0].hasPrefix("/"), GatewaySchema.methods.contains(texts[1].uppercased()) {
      return report(
        "the path stands before the method", at: places.method,
        hint: "write {\"\(texts[1])\", \"\(texts[0])\", \"\(texts[2])\"}")
    }
    guard let methods = readMethod(texts[0], at: places.method),
      let pattern = readPattern(texts[1], at: places.path)
    else { return }
    entries.append(GatewayEntry(methods: methods, pattern: pattern, function: texts[2], places: places))
  }

  private mutating func readMethod(_ text: String, at place: SourceLocation) -> RouteMethods? {
    if text.uppercased() == GatewaySchema.anyMethod { return .any }
    if let method = RouteMethod(name: text) { return RouteMethods(method) }
    let known = GatewaySchema.methods
    let nearest = NearestName.find(text, in: known)
    report(
      "'\(text)' is no method that a route can have", at: place,
      hint: nearest.map { "did you mean '\($0)'?" }
        ?? "methods are \(known.dropLast().joined(separator: ", ")) and \(GatewaySchema.anyMethod)")
    return nil
  }

  private mutating func readPattern(_ text: String, at place: SourceLocation) -> String? {
    do {
      _ = try RoutePattern(parsing: text)
    } catch {
      let hint = error.problem == .missingLeadingSlash ? "write '/\(text)'" : nil
      report("\(error.description): '\(text)'", at: place, hint: hint)
      return nil
    }
    if text.contains("{") || text.contains("}") {
      report(
        "a path has no braces: '\(text)'", at: place,
        hint: "parameters are written ':id', the rest of a path '*rest'")
      return nil
    }
    if let parameter = text.split(separator: "/").lazy.compactMap(Self.foreignParameter).first {
      diagnostics.append(
        Diagnostic(
          .malformedRoute, .warning, "'\(parameter.segment)' is taken literally: '\(text)'", at: place,
          hint: "parameters are written ':id', the rest of a path '*rest': here '\(parameter.name)'"))
    }
    let trimmed = text.hasSuffix("/") && text.utf8.count > 1 ? String(text.dropLast()) : text
    return trimmed
  }

  /// A segment such as `<int:id>`, `[id]` or `[...rest]`, as other frameworks write parameters, and what it is here.
  private static func foreignParameter(_ segment: Substring) -> (segment: Substring, name: String)? {
    guard segment.utf8.count > 2,
      segment.first == "<" && segment.last == ">" || segment.first == "[" && segment.last == "]"
    else { return nil }
    let inside = segment.filter { !"<>[]".contains($0) }
    let isRest = inside.hasPrefix("path:") || inside.hasPrefix("...")
    let name = inside.split(separator: ":").last?.drop { $0 == "." } ?? ""
    return (segment, (isRest ? "*" : ":") + (name.isEmpty ? "id" : name))
  }

  private mutating func report(_ message: String, at place: SourceLocation, hint: String? = nil) {
    diagnostics.append(Diagnostic(.malformedRoute, .error, message, at: place, hint: hint))
  }

  private static func describe(_ value: GatewayState.Value) -> String {
    switch value {
    case .nil: "nothing"
    case .boolean(let flag): "\(flag)"
    case .integer(let number): "the number \(number)"
    case .float(let number): "the number \(number)"
    case .string(let bytes): "'\(String(decoding: bytes.prefix(64), as: UTF8.self))'"
    case .table: "a table"
    case .other(let type): "a \(type)"
    }
  }
}
