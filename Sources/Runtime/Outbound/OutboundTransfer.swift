// A call's wait for an outbound request: one transfer of libcurl's after the other while the server redirects.
//
// Invariant: `easy` is the handle that is in the client's multi handle, and nil when none is. What libcurl was
// given to keep (headers, body, error text) lives until the handle is out of it.

import CCurl
import CLua
import Glibc

/// Waits for the answer to a request.
final class OutboundTransfer: Wait {
  /// The lines of an answer's head together, in bytes.
  private static let headBytesMax = 256 << 10
  static let userAgent = "spacer"

  private unowned(unsafe) let client: OutboundClient
  private unowned(unsafe) let dispatcher: Dispatcher
  private var request: OutboundRequest
  private let policy: OutboundPolicy
  private let trace: TraceContext
  private let start: UInt64
  private var redirectsLeft: Int
  /// The whole time, in milliseconds.
  let timeoutMilliseconds: UInt64

  var easy: UnsafeMutableRawPointer?
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private var requestBody: UnsafeMutableBufferPointer<CChar>?
  private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  /// The answer's head, line by line with their ends, and its body.
  private var head = OutputBuffer(capacity: 1024)
  private var body = OutputBuffer(capacity: 64)
  private var headIsComplete = false
  private var usesProxy = false
  /// Why we ended the transfer.
  private var refusal: String?
  /// The address that the policy kept it from.
  private var forbidden: String?
  /// What of the client's `heldBytes` is this one's.
  private var heldBytes = 0

  init(
    _ request: OutboundRequest, client: OutboundClient, dispatcher: Dispatcher, trace: TraceContext
  ) {
    self.request = request
    self.client = client
    self.dispatcher = dispatcher
    self.trace = trace
    policy = dispatcher.policy.outbound
    redirectsLeft = request.redirects
    timeoutMilliseconds = request.timeoutMilliseconds
    start = dispatcher.clock()
  }

  deinit {
    release()
    errorText.deallocate()
  }

  static func from(_ context: UnsafeMutableRawPointer?) -> OutboundTransfer? {
    context.map { Unmanaged<OutboundTransfer>.fromOpaque($0).takeUnretainedValue() }
  }

  // MARK: The life of a transfer

  /// Begins the next transfer; nil, or why it is not sent.
  func begin() -> String? {
    head.reset()
    body.reset()
    headIsComplete = false
    forbidden = nil
    let proxy = CurlLibrary.environment.proxies.proxy(scheme: request.url.scheme, host: request.url.host)
    usesProxy = proxy != nil
    if usesProxy, let reason = request.url.refusal(behindProxy: policy) { return reason }
    guard client.begin(self) else {
      drop()
      return "out of memory"
    }
    return nil
  }

  /// Sets a handle up for the request; false when memory is out. The client calls `release` when it is done.
  func prepare(_ easy: UnsafeMutableRawPointer) -> Bool {
    guard makeHeaders() else { return false }
    if let body = request.body {
      // Never empty, so that it has an address.
      let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: body.count + 1)
      body.withUnsafeBytes { UnsafeMutableRawBufferPointer(copy).copyMemory(from: $0) }
      requestBody = copy
      hold(body.count)
    }
    let environment = CurlLibrary.environment
    let proxy = environment.proxies.proxy(scheme: request.url.scheme, host: request.url.host) ?? ""
    return withTexts([
      request.url.whole, request.method, proxy, Self.userAgent, environment.certificateFile,
      environment.certificateFolder,
    ]) { texts in
      var setup = spacer_curl_request()
      setup.transfer = Unmanaged.passUnretained(self).toOpaque()
      setup.url = texts[0]
      setup.method = texts[1]
      setup.proxy = texts[2]
      setup.user_agent = texts[3]
      setup.ca_file = texts[4]
      setup.ca_folder = texts[5]
      setup.body = UnsafePointer(requestBody?.baseAddress)
      setup.body_length = request.body?.count ?? 0
      setup.headers = headerList
      setup.connect_milliseconds = request.connectMilliseconds
      setup.decodes = decodes ? 1 : 0
      setup.error = errorText
      return spacer_curl_easy_prepare(easy, &setup) == CURLE_OK
    }
  }

  /// Whoever asks for a coding wants what comes as it is.
  private var decodes: Bool { !request.has("accept-encoding") }

  private func withTexts<Result>(
    _ texts: [String?], _ body: ([UnsafePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = texts.map { $0.flatMap { strdup($0) } }
    defer { for copy in copies { free(copy) } }
    return body(copies.map { UnsafePointer($0) })
  }

  private func makeHeaders() -> Bool {
    var headers = request.headers
    headers += trace.outboundHeaders.filter { !request.has($0.name) }
    var lines = headers.map(\.line)
    // A name alone keeps libcurl from sending its own.
    lines.append(Array("Expect:".utf8))
    if request.body != nil, !request.has("content-type") { lines.append(Array("Content-Type:".utf8)) }
    for line in lines {
      let longer = (line + [0]).withUnsafeBytes {
        spacer_curl_append(headerList, $0.baseAddress?.assumingMemoryBound(to: CChar.self))
      }
      guard let longer else { return false }
      headerList = longer
    }
    return true
  }

  /// Frees what the handle was given; the handle is out of use.
  func release() {
    spacer_curl_list_free(headerList)
    headerList = nil
    requestBody?.deallocate()
    requestBody = nil
  }

  override func cancelled(_ dispatcher: Dispatcher) {
    client.end(self)
    drop()
  }

  override func expired(_ dispatcher: Dispatcher) {
    client.end(self)
    fail("timed out after \(timeoutMilliseconds) ms")
  }

  // MARK: What comes

  private func hold(_ count: Int) {
    heldBytes += count
    client.heldBytes += count
  }

  private func drop() {
    client.heldBytes -= heldBytes
    heldBytes = 0
  }

  /// A line of the head; false ends the transfer.
  func takeLine(_ line: UnsafeRawBufferPointer) -> Bool {
    if line.starts(with: "HTTP/".utf8) {
      // The answer itself, after interim ones.
      head.reset()
      headIsComplete = false
    }
    // What comes after the empty line is a trailer.
    guard !headIsComplete else { return true }
    if line.first == 0x0D || line.first == 0x0A { headIsComplete = true }
    guard head.count + line.count <= Self.headBytesMax else {
      refusal = "the answer's headers are longer than \(Self.headBytesMax) bytes"
      return false
    }
    head.append(line)
    return true
  }

  /// A part of the body; false ends the transfer.
  func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= request.bodyBytesMax - body.count else {
      refusal = "the answer is longer than \(request.bodyBytesMax) bytes (maxBytes)"
      return false
    }
    guard client.heldBytes + bytes.count <= dispatcher.policy.workerMemoryBytes else {
      refusal = "the answers in progress hold more than the worker may (limits.workerMemoryBytes)"
      return false
    }
    hold(bytes.count)
    body.append(bytes)
    return true
  }

  /// Whether the policy lets it connect; nil stands for what is no IP address.
  func allows(_ address: OutboundAddress?) -> Bool {
    // A proxy is the operator's choice.
    guard policy == .public, !usesProxy else { return true }
    guard let address, address.isPublic else {
      forbidden = address?.text ?? request.url.host
      return false
    }
    return true
  }

  // MARK: The end

  /// The transfer is done.
  func done(_ code: CURLcode) {
    guard let easy else { return }
    guard code == CURLE_OK else {
      let cause = cause(of: code, easy)
      client.end(self)
      return fail(cause)
    }
    let status = spacer_curl_status(easy)
    let target = spacer_curl_redirect(easy).map { String(cString: $0) }
    client.end(self)
    if let target, [301, 302, 303, 307, 308].contains(status), request.redirects > 0 {
      follow(target, status: status)
    } else {
      succeed(status)
    }
  }

  private func follow(_ target: String, status: Int) {
    guard redirectsLeft > 0 else { return fail("more than \(request.redirects) redirects") }
    redirectsLeft -= 1
    drop()
    do throws(OutboundRefusal) {
      request = request.redirected(to: try OutboundURL(Array(target.utf8)), status: status)
    } catch {
      return fail("redirected to what cannot be followed: \(error.message)")
    }
    if let reason = begin() { fail(reason) }
  }

  private func cause(of code: CURLcode, _ easy: UnsafeMutableRawPointer) -> String {
    if let forbidden, code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK {
      return "\(forbidden) is not a public address (limits.outbound)"
    }
    if let refusal { return refusal }
    return OutboundFailure.describe(
      code, systemError: Int32(truncatingIfNeeded: spacer_curl_system_error(easy)),
      text: String(cString: errorText), connectMilliseconds: request.connectMilliseconds)
  }

  /// Raises an error in the waiting call.
  private func fail(_ cause: String) {
    let message = "http: \(request.method) \(request.url.place): \(cause)"
    note("failed: \(cause)")
    drop()
    dispatcher.complete(self) { coroutine in
      LuaStack(coroutine).push(message)
      return Int32(SPACER_RAISE_AT)
    }
  }

  private func succeed(_ status: Int) {
    note("\(status)")
    drop()
    dispatcher.complete(self) { coroutine in
      let response = OutboundResponse(
        status: status, head: head.bytes, body: body.bytes, url: request.url.shown,
        wasDecoded: decodes && request.method != "HEAD")
      response.push(onto: LuaStack(coroutine))
      // The call may run on for long, with a copy of its own.
      body.reset(keptBytes: 0)
      return 1
    }
  }

  private func note(_ outcome: String) {
    guard dispatcher.log.isEnabled(.debug) else { return }
    let milliseconds = (dispatcher.clock() &- start) / 1_000_000
    dispatcher.log.message(
      .debug, "http: \(request.method) \(request.url.place) \(outcome) in \(milliseconds) ms", trace: trace)
  }
}
