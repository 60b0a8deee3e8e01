// In what two runs of a function for the same event differ.

package import SpacerEventLog

/// What a difference is about.
package enum DifferenceKind: String, CaseIterable, Sendable {
  /// How the run ended and what it returned.
  case outcome
  case appends
  case statements
  case requests
}

/// Two runs for one event.
package struct RunPair: Equatable, Sendable {
  package var event: EventRecord
  package var function: String
  package var old: CapturedRun
  package var new: CapturedRun

  package init(event: EventRecord, function: String, old: CapturedRun, new: CapturedRun) {
    self.event = event
    self.function = function
    self.old = old
    self.new = new
  }

  /// Empty when they are the same.
  package var differences: [DifferenceKind] {
    var kinds: [DifferenceKind] = []
    if old.outcome.compared != new.outcome.compared { kinds.append(.outcome) }
    if old.appends != new.appends { kinds.append(.appends) }
    if old.statements != new.statements { kinds.append(.statements) }
    if old.requests != new.requests { kinds.append(.requests) }
    return kinds
  }

  /// What differs, line by line.
  package var lines: [LineDiff.Line] { LineDiff.lines(old.lines, new.lines) }

  /// On one line.
  package var json: String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("topic", event.topic)
    writer.member("offset", event.offset)
    writer.member("partition", Int64(event.partition))
    writer.member("key", String(decoding: event.key, as: UTF8.self))
    writer.member("id", event.id)
    writer.member("function", function)
    writer.key("differences")
    writer.beginArray()
    for kind in differences {
      writer.element()
      writer.string(kind.rawValue)
    }
    writer.endArray()
    for (name, run) in [("old", old), ("new", new)] {
      writer.key(name)
      run.write(to: &writer)
    }
    writer.endObject()
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

extension CapturedOutcome {
  /// The outcome without the places that error texts begin with: a line that moved changes nothing.
  fileprivate var compared: CapturedOutcome {
    switch self {
    case .failed(let message): .failed(Self.withoutPlace(message))
    case .refused(let message): .refused(Self.withoutPlace(message))
    case .done, .timedOut, .filteredOut: self
    }
  }

  /// `app/orders.lua:12: no such order` without what is before `no`.
  static func withoutPlace(_ message: String) -> String {
    let text = Array(message.utf8)
    let suffix = Array(".lua:".utf8)
    guard let space = text.firstIndex(of: 0x20), space > suffix.count,
      let mark = (0..<(space - suffix.count)).first(where: { text[$0...].starts(with: suffix) })
    else { return message }
    let number = text[(mark + suffix.count)..<space]
    guard number.last == UInt8(ascii: ":"), number.count > 1,
      number.dropLast().allSatisfy({ $0 &- 0x30 < 10 })
    else { return message }
    return String(decoding: text[(space + 1)...], as: UTF8.self)
  }
}

extension CapturedRun {
  /// The run as text, for people.
  var lines: [String] {
    var lines: [String] = []
    func indented(_ text: String) -> [String] { CanonicalJSON.lines(text).map { "  " + $0 } }
    switch outcome {
    case .done(let returned?): lines += ["outcome: done, returned"] + indented(returned)
    case .done, .timedOut, .filteredOut: lines.append("outcome: \(outcome.word)")
    case .failed(let message), .refused(let message):
      lines += ["outcome: \(outcome.word)"] + indented(CapturedOutcome.withoutPlace(message))
    }
    for append in appends {
      lines.append("append: \(append.topic) key '\(append.key)'" + (append.id.map { " id '\($0)'" } ?? ""))
      lines += indented(append.payload)
    }
    for statement in statements {
      lines.append("statement: \(statement.database)")
      lines += statement.sql.split(separator: "\n").map { "  " + $0 }
      if !statement.parameters.isEmpty {
        lines.append("  with \(statement.parameters.joined(separator: ", "))")
      }
    }
    for request in requests {
      lines.append("request: \(request.method) \(request.url)")
      lines += request.headers.map { "  " + $0 }
      if let body = request.body { lines += indented(body) }
    }
    return lines
  }

  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("outcome", outcome.word)
    switch outcome {
    case .done(let returned?):
      writer.key("returned")
      Self.write(json: returned, to: &writer)
    case .failed(let message), .refused(let message): writer.member("message", message)
    case .done, .timedOut, .filteredOut: break
    }
    list("appends", appends, &writer) { append, writer in
      writer.member("topic", append.topic)
      writer.member("key", append.key)
      if let id = append.id { writer.member("id", id) }
      writer.key("payload")
      Self.write(json: append.payload, to: &writer)
    }
    list("statements", statements, &writer) { statement, writer in
      writer.member("database", statement.database)
      writer.member("sql", statement.sql)
      writer.key("parameters")
      writer.beginArray()
      for parameter in statement.parameters {
        writer.element()
        writer.raw(Array(parameter.utf8))
      }
      writer.endArray()
    }
    list("requests", requests, &writer) { request, writer in
      writer.member("method", request.method)
      writer.member("url", request.url)
      writer.key("headers")
      writer.beginArray()
      for header in request.headers {
        writer.element()
        writer.string(header)
      }
      writer.endArray()
      if let body = request.body { writer.member("body", body) }
    }
    writer.endObject()
  }

  private func list<Element>(
    _ name: String, _ elements: [Element], _ writer: inout JSONWriter,
    _ write: (Element, inout JSONWriter) -> Void
  ) {
    writer.key(name)
    writer.beginArray()
    for element in elements {
      writer.element()
      writer.beginObject()
      write(element, &writer)
      writer.endObject()
    }
    writer.endArray()
  }

  /// As it is, where it is JSON.
  private static func write(json text: String, to writer: inout JSONWriter) {
    if JSONScanner.isValid(Array(text.utf8)) { writer.raw(Array(text.utf8)) } else { writer.string(text) }
  }
}
