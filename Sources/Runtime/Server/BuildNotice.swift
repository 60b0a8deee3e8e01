// What `spacer dev` tells those who send requests of its last build. Outside dev there is none, and the only trace
// of it on a request's way is one look at a nil.

/// The state of a project's build, ready to be sent. Immutable.
package final class BuildNotice: Sendable {
  /// Where every client of `dev` finds the state as JSON.
  package static let path: StaticString = "/_spacer/build"

  /// The last build failed, or what it made cannot be served.
  let isFailed: Bool
  /// There is a good build, this one or one before, that answers.
  let isServing: Bool
  /// The state as JSON.
  let json: [UInt8]
  /// What a browser is shown of a failure.
  let page: [UInt8]

  package init(isFailed: Bool, isServing: Bool, json: [UInt8], page: [UInt8]) {
    self.isFailed = isFailed
    self.isServing = isServing
    self.json = json
    self.page = page
  }
}

/// What an `Accept` header says about pages.
enum AcceptHeader {
  /// Whether a client would rather have HTML than JSON: it names `text/html`, and nothing that JSON is as gladly.
  /// `*/*` alone, as curl and `fetch` send it, asks for no page.
  static func prefersHTML(_ value: UnsafeRawBufferPointer) -> Bool {
    var html = 0
    var json = 0
    for item in value.split(separator: UInt8(ascii: ",")) {
      let parts = item.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
      guard let range = parts.first.map({ trimmed($0) }) else { continue }
      let quality = quality(of: parts.dropFirst())
      if range == "text/html" { html = max(html, quality) }
      if range == "application/json" { json = max(json, quality) }
    }
    return html > 0 && html >= json
  }

  /// Thousandths, of the `q` among a range's parameters; 1,000 without one, 0 for what is no quality.
  private static func quality(of parameters: some Sequence<Slice<UnsafeRawBufferPointer>>) -> Int {
    for parameter in parameters {
      let text = trimmed(parameter)
      guard text.hasPrefix("q=") else { continue }
      guard let value = Double(text.dropFirst(2)), (0...1).contains(value) else { return 0 }
      return Int(value * 1_000)
    }
    return 1_000
  }

  private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
    let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    var bytes = bytes
    while let first = bytes.first, isBlank(first) { bytes = bytes.dropFirst() }
    while let last = bytes.last, isBlank(last) { bytes = bytes.dropLast() }
    return String(decoding: bytes, as: UTF8.self).lowercased()
  }
}
