// What app/gateway.lua may return, as tables: the reader of its entries takes names and bounds from here, and
// the reference in docs/gateway.md and `spacer help gateway` are printed from it.

internal import SpacerArtifact

/// The parts of a route and what they may be.
package enum GatewaySchema {
  /// One part of a route, in order.
  package struct Field: Sendable {
    package var name: String
    /// For the reference.
    package var kind: String
    /// Markdown, one line.
    package var summary: String
  }

  package static let fields: [Field] = [
    Field(
      name: "METHOD", kind: "string, in any case",
      summary: "One of the methods below. A path may have a route for each."),
    Field(
      name: "PATH", kind: "string",
      summary: "Begins with `/`; its segments take the forms below. A `/` at its end makes no difference."),
    Field(
      name: "FUNCTION", kind: "string",
      summary:
        "A function by its file: `app/users/get.lua` is `users/get`. One under `app/private/` cannot be routed."
    ),
  ]

  /// The method that stands for all of them.
  static let anyMethod = "ANY"

  /// All methods, `ANY` at the end.
  package static let methods = RouteMethod.allCases.map(\.name).filter { !$0.isEmpty } + [anyMethod]

  /// One form that a segment of a path can have.
  package struct SegmentForm: Sendable {
    package var form: String
    /// A pattern with it.
    package var example: String
    /// Markdown, one line.
    package var summary: String
  }

  /// In the order in which they are tried.
  package static let segments: [SegmentForm] = [
    SegmentForm(
      form: "text", example: "/users", summary: "Itself, compared after decoding: `/%75sers` fits too."),
    SegmentForm(
      form: ":name.suffix", example: "/users/:id.json",
      summary: "One segment with that end; what comes before it, at least one byte, is `args.name`."),
    SegmentForm(
      form: ":name", example: "/users/:id", summary: "One segment, at least one byte: `args.name`, decoded."),
    SegmentForm(
      form: "*name", example: "/files/*path",
      summary: "The rest of the path, at least one byte, with its `/`. Only as the last segment."),
  ]

  /// One bound.
  package struct Bound: Sendable {
    package var subject: String
    package var most: Int
  }

  package static let bounds: [Bound] = [
    Bound(subject: "routes", most: CompilerLimits.routesMax),
    Bound(subject: "bytes of a path", most: Limits.patternBytesMax),
    Bound(subject: "segments of a path", most: Limits.patternSegmentsMax),
    Bound(subject: "parameters of a path", most: Limits.routeParametersMax),
    Bound(
      subject: "Lua instructions that the file may take", most: Int(CompilerLimits.gatewayInstructionsMax)),
    Bound(subject: "bytes of memory that the file may take", most: CompilerLimits.gatewayBytesMax),
  ]

  /// The reference as Markdown tables.
  package static var reference: String {
    var text = "A route is a list of these, in this order:\n\n| part | value | meaning |\n|---|---|---|\n"
    for field in fields { text += "| `\(field.name)` | \(field.kind) | \(field.summary) |\n" }
    text += "\nMethods: \(methods.map { "`\($0)`" }.joined(separator: ", ")).\n\n"
    text += "Segments of a path, in the order in which they are tried:\n\n"
    text += "| segment | in a path | takes |\n|---|---|---|\n"
    for segment in segments { text += "| `\(segment.form)` | `\(segment.example)` | \(segment.summary) |\n" }
    text += "\nBounds:\n\n| of | at most |\n|---|---|\n"
    for bound in bounds { text += "| \(bound.subject) | \(grouped(bound.most)) |\n" }
    return text
  }

  /// `50,000,000`.
  package static func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in String(number).reversed().enumerated() {
      if index > 0 && index.isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return String(text.reversed())
  }
}
