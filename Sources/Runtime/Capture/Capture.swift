// Runs of handlers with everything that leaves them captured instead of done: appends and requests are noted and
// answered, statements run in transactions that are rolled back, clock and chance are the event's own. Two
// artifacts are generations of one Lua state, so that what depends on the state, as the order of `pairs`, is the
// same for both.
//
// Invariant: one run at a time; the next one begins when the last one, its deferred functions and its transactions
// have ended.

import CLua
import SpacerEventLog

/// What a worker that captures knows beyond others. Belongs to its worker's thread.
final class Capture: HandlerRunSink, @unchecked Sendable {
  // Thread rule: everything is touched on the worker's thread only; `runEnded` is called there as well.
  unowned(unsafe) let dispatcher: Dispatcher
  private let mailbox: LoopMailbox
  private let responses: CannedResponses
  /// What functions take for the time, in milliseconds since 1970.
  private(set) var milliseconds: Int64 = 0
  private(set) var random = SplitMix(seed: 0)
  private var run = CapturedRun(outcome: .timedOut)
  private var returned: String?
  private var whenDone: (@Sendable (CapturedRun) -> Void)?
  var transactions: [CaptureTransaction] = []
  var savepointCount: Int64 = 0
  /// By number: its transaction, and how many statements were noted before it.
  var savepoints: [Int64: (transaction: CaptureTransaction, noted: Int)] = [:]

  init(_ dispatcher: Dispatcher, mailbox: LoopMailbox, responses: CannedResponses) {
    self.dispatcher = dispatcher
    self.mailbox = mailbox
    self.responses = responses
  }

  // MARK: A run

  /// Runs one handler; `whenDone` is called on the worker's thread.
  func start(_ handlerRun: HandlerRun, whenDone: @escaping @Sendable (CapturedRun) -> Void) {
    guard let event = handlerRun.events.first?.record else { return }
    run = CapturedRun(outcome: .timedOut)
    returned = nil
    self.whenDone = whenDone
    savepoints = [:]
    savepointCount = 0
    milliseconds = event.timestampMilliseconds
    var seed: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in event.id.utf8 { seed = (seed ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    random = SplitMix(seed: seed)
    dispatcher.ids = IDGenerator(seed: seed)
    dispatcher.crypto.sequence = UUIDSequence()
    spacer_fix_seed(dispatcher.record, Int64(bitPattern: seed))
    dispatcher.start(handlerRun, self)
  }

  func runEnded(_ number: UInt64, _ outcome: RunOutcome) {
    run.outcome =
      switch outcome {
      case .done: .done(returned: returned)
      case .partial(let failed, let message): .failed("\(message) (of \(failed.count))")
      case .failed(let message, let isFinal): isFinal ? .refused(message) : .failed(message)
      case .timedOut: .timedOut
      case .abandoned, .overloaded: .failed("the function was not run")
      }
    // Deferred functions begin behind this call, and the loop's next turn comes after them.
    mailbox.post(.work { self.dispatcher.whenIdle { self.rollBack() } })
  }

  private func rollBack() {
    guard let transaction = transactions.popLast() else { return finish() }
    transaction.end { [unowned self] in rollBack() }
  }

  private func finish() {
    let done = whenDone
    whenDone = nil
    done?(run)
  }

  // MARK: What functions ask for

  /// 16 random bytes.
  func randomWords() -> (UInt64, UInt64) { (random.next(), random.next()) }

  func note(_ request: AppendRequest) {
    for entry in request.entries {
      run.appends.append(
        CapturedAppend(
          topic: request.topic, key: String(decoding: entry.key, as: UTF8.self),
          payload: CanonicalJSON.text(Array(entry.value)), id: entry.id))
    }
  }

  /// The handler's results are all that is on the stack.
  func noteResults(_ coroutine: OpaquePointer, _ results: Int32) {
    guard results >= 1, lua_type(coroutine, 1) != LUA_TNIL else { return }
    var buffer = OutputBuffer(capacity: 256)
    do throws(JSONEncodeFailure) {
      try JSONEncoder(state: coroutine, arrayTag: dispatcher.arrayTag).encode(at: 1, into: &buffer)
      returned = CanonicalJSON.text(buffer.bytes)
    } catch {
      returned = "(\(error.reason)\(error.path.isEmpty ? "" : " at \(error.path)"))"
    }
  }

  func note(_ statement: DatabaseStatement, on database: Database) {
    run.statements.append(
      CapturedStatement(
        database: database.configuration.name, sql: String(decoding: statement.sql.dropLast(), as: UTF8.self),
        parameters: statement.parameters.map(Self.text)))
  }

  var statementCount: Int { run.statements.count }

  /// What was noted on a database since there were `count` statements was undone.
  func forgetStatements(after count: Int, on database: Database) {
    let name = database.configuration.name
    let kept = run.statements.enumerated().filter { $0.offset < count || $0.element.database != name }
    run.statements = kept.map(\.element)
  }

  private static func text(_ parameter: DatabaseParameter) -> String {
    var writer = JSONWriter()
    switch parameter {
    case .null: return "null"
    case .boolean(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .float(let value):
      var buffer = OutputBuffer(capacity: 32)
      JSONEncoder.append(value, to: &buffer)
      return String(decoding: buffer.bytes, as: UTF8.self)
    case .text(let bytes):
      // A table's JSON in one form, whatever order its members were met in.
      let isTable = bytes.first == UInt8(ascii: "{") || bytes.first == UInt8(ascii: "[")
      writer.string(isTable ? CanonicalJSON.text(bytes) : String(decoding: bytes, as: UTF8.self))
    case .bytes(let bytes): writer.string(String(decoding: PostgresText.hexadecimal(bytes), as: UTF8.self))
    }
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  // MARK: Requests

  /// Notes a request and pushes its answer.
  func answer(_ request: OutboundRequest, onto state: OpaquePointer) -> Int32 {
    let body = request.body.map { CanonicalJSON.text($0) }
    run.requests.append(
      CapturedRequest(
        method: request.method, url: request.url.shown, headers: request.headers.map(Self.shown).sorted(),
        body: body))
    let response = responses.response(method: request.method, url: request.url.shown)
    let head = Array("HTTP/1.1 \(response.status)\r\nContent-Type: application/json\r\n\r\n".utf8)
    head.withUnsafeBytes { head in
      response.body.withUnsafeBytes { body in
        OutboundResponse(
          status: response.status, head: head,
          body: request.method == "HEAD" ? UnsafeRawBufferPointer(start: nil, count: 0) : body,
          url: request.url.shown, wasDecoded: false
        ).push(onto: LuaStack(state))
      }
    }
    return 1
  }

  private static let secretWords = ["auth", "cookie", "token", "secret", "key", "password", "signature"]

  private static func shown(_ header: OutboundHeader) -> String {
    guard !secretWords.contains(where: { word in header.name.contains(word) }) else {
      return "\(header.name): (hidden)"
    }
    let value = header.line.dropFirst(header.name.utf8.count + 1).drop { $0 == 0x20 }
    return "\(header.name): \(String(decoding: value, as: UTF8.self))"
  }
}

extension String {
  /// Whether the text holds another one; the standard library's own needs a module this target leaves out.
  fileprivate func contains(_ part: String) -> Bool {
    let (text, part) = (Array(utf8), Array(part.utf8))
    guard part.count <= text.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
  }
}
