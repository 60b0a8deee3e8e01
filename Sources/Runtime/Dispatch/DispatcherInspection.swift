// Requests that are looked at before they are routed: those of the write proxy, and under `spacer dev` all of them,
// since a build that failed is shown in place of an application's page.

import SpacerArtifact

extension Dispatcher {
  /// Answers what goes to no function of the application's; false for what is to be routed.
  @inline(never)
  func handleInspected(
    _ exchange: ExchangeID, _ request: borrowing RequestView, _ trace: TraceContext
  ) throws(RequestFailure) -> Bool {
    if request.isForWriteProxy {
      try handleWriteProxy(exchange, request, trace)
      return true
    }
    guard let notice = buildNotice else { return false }
    if Self.isEqual(request.path, BuildNotice.path), request.method == .get || request.method == .head {
      // Not logged: an open page asks over and over.
      respondUncached(exchange, status: 200, notice.json)
      return true
    }
    guard notice.isFailed else { return false }
    if Self.wantsPage(request) {
      logNotice(request, bytes: notice.page.count, trace)
      respondUncached(
        exchange, status: 500, notice.page,
        headers: """
          Content-Type: text/html; charset=utf-8\r\n\
          Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
          connect-src 'self'\r\n
          """)
      return true
    }
    guard !notice.isServing else { return false }
    logNotice(request, bytes: notice.json.count, trace)
    respondUncached(exchange, status: 500, notice.json)
    return true
  }

  /// Tells a client of an old build's answer that a newer build failed.
  @inline(never)
  func appendBuildHeader(_ notice: BuildNotice) {
    if notice.isFailed { headers.append("X-Spacer-Build: failed\r\n") }
  }

  /// Whether a person is to read the answer: a browser navigates.
  private static func wantsPage(_ request: borrowing RequestView) -> Bool {
    guard request.method == .get else { return false }
    let name: StaticString = "accept"
    let value = request.header(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    return value.map { AcceptHeader.prefersHTML($0) } ?? false
  }

  private static func isEqual(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    bytes.elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private func logNotice(_ request: borrowing RequestView, bytes: Int, _ trace: TraceContext) {
    guard log.isEnabled(.info) else { return }
    log.access(
      request, status: 500, function: UnsafeRawBufferPointer(start: nil, count: 0), bytes: bytes,
      nanoseconds: 0, trace: trace)
  }

  /// - Parameter type: Header lines with the Content-Type; JSON without.
  private func respondUncached(
    _ exchange: ExchangeID, status: Int, _ body: [UInt8], headers type: String = ""
  ) {
    headers.reset()
    headers.append("Cache-Control: no-store\r\n")
    headers.append(type)
    body.withUnsafeBytes {
      server?.respond(
        exchange, status: status, headers: headers.bytes, contentType: type.isEmpty ? .json : .inHeaders,
        body: $0)
    }
  }
}
