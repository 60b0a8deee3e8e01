// The event log of a running server, through the control API at its write proxy's address. For commands: they see
// what the server sees, and on the memory driver there is no other way to its events.

/// A store that a server keeps.
package final class RemoteStore: EventStore {
  /// How long an answer may take, beside the wait that was asked for.
  private static let answerMilliseconds = 35_000

  package let address: RemoteAddress
  private let token: String?
  private let appName: String
  private let queue: AppendQueue

  /// The least that any storage promises: what the server's own does is not known here.
  package let promises = StorePromises(
    isAtomic: false, dropsDuplicates: false, isDurable: false, isShared: true)

  /// - Parameters:
  ///   - token: What the write proxy asks for; nil on loopback.
  ///   - appName: The application whose server is expected there.
  package init(_ address: RemoteAddress, token: String?, appName: String) {
    self.address = address
    self.token = token
    self.appName = appName
    queue = AppendQueue(name: "remote") { appends in
      for append in appends {
        append.complete(Self.append(append.request, address, token))
      }
    }
  }

  /// Asks the server whose log it keeps.
  /// - Throws: `unavailable` when none answers, `incompatible` when it is another application's.
  package func open(_ topics: [TopicDefinition]) throws(EventLogError) {
    guard case .info(let info) = try ask(.info) else { throw unexpected }
    guard info.appName == appName else {
      throw EventLogError(
        .incompatible,
        "the server at \(address) keeps the events of '\(info.appName)', not of '\(appName)': name another "
          + "one with --url")
    }
  }

  package func append(_ append: PendingAppend) {
    queue.submit(append)
  }

  package func position(_ topic: String, _ start: ReadStart) throws(EventLogError) -> ReadPosition {
    guard case .position(let position) = try ask(.position(topic: topic, start)) else { throw unexpected }
    return position
  }

  package func read(
    _ topic: String, _ position: inout ReadPosition, limit: Int, waitMilliseconds: Int
  ) throws(EventLogError) -> [EventRecord] {
    var left = max(0, waitMilliseconds)
    while true {
      let wait = min(left, ControlRequest.waitMillisecondsMax)
      let request = ControlRequest.read(topic: topic, position, limit: max(0, limit), waitMilliseconds: wait)
      guard case .events(let events, let next) = try ask(request) else { throw unexpected }
      position = next
      left -= wait
      if !events.isEmpty || left <= 0 { return events }
    }
  }

  package func join(
    group: String, topics: [String], options: ConsumerOptions
  ) throws(EventLogError) -> any GroupConsumer {
    throw EventLogError(
      .failed,
      "a group is joined where the events are kept: a server's events cannot be consumed from outside")
  }

  package func status(ofTopic topic: String) throws(EventLogError) -> TopicStatus {
    guard case .topicStatus(let status) = try ask(.topicStatus(topic)) else { throw unexpected }
    return status
  }

  package func groups() throws(EventLogError) -> [String] {
    guard case .groups(let names) = try ask(.groups) else { throw unexpected }
    return names
  }

  package func status(ofGroup group: String) throws(EventLogError) -> [GroupPartitionStatus] {
    guard case .groupStatus(let statuses) = try ask(.groupStatus(group)) else { throw unexpected }
    return statuses
  }

  package func records(
    _ table: RecordTable, prefix: String, after: String?, limit: Int
  ) throws(EventLogError) -> [StoredRecord] {
    guard
      case .records(let records) = try ask(
        .records(table, prefix: prefix, after: after, limit: max(0, limit)))
    else { throw unexpected }
    return records
  }

  package func put(_ table: RecordTable, _ records: [StoredRecord]) throws(EventLogError) {
    guard !records.isEmpty else { return }
    _ = try ask(.put(table, records))
  }

  package func remove(_ table: RecordTable, keys: [String]) throws(EventLogError) {
    guard !keys.isEmpty else { return }
    _ = try ask(.remove(table, keys: keys))
  }

  /// The server does it by itself.
  @discardableResult
  package func trim(_ topic: TopicDefinition) throws(EventLogError) -> Int { 0 }

  package func close() { queue.close() }

  // MARK: The wire

  private var unexpected: EventLogError { Self.unexpected(address) }

  private static func unexpected(_ address: RemoteAddress) -> EventLogError {
    EventLogError(
      .incompatible,
      "the server at \(address) gives an answer that cannot be read: is it a Spacer of another version?")
  }

  private func ask(_ request: ControlRequest) throws(EventLogError) -> ControlReply {
    try Self.ask(request, address, token)
  }

  private static func append(
    _ request: AppendRequest, _ address: RemoteAddress, _ token: String?
  ) -> Result<AppendOutcome, EventLogError> {
    do throws(EventLogError) {
      guard case .appended(let outcome) = try ask(.append(request), address, token) else {
        return .failure(unexpected(address))
      }
      return .success(outcome)
    } catch {
      return .failure(error)
    }
  }

  private static func ask(
    _ request: ControlRequest, _ address: RemoteAddress, _ token: String?
  ) throws(EventLogError) -> ControlReply {
    let call = try HTTPCall(address)
    defer { call.close() }
    let answer = try call.post(
      ControlRequest.path, token: token, body: request.json, answerMilliseconds: answerMilliseconds)
    guard answer.status == 200 else { throw failure(answer.status, answer.body, address) }
    guard let reply = ControlReply(json: answer.body, to: request) else { throw unexpected(address) }
    return reply
  }

  private static func failure(_ status: Int, _ body: [UInt8], _ address: RemoteAddress) -> EventLogError {
    switch status {
    case 401:
      EventLogError(
        .failed,
        "the server at \(address) wants its token: give it with --token or SPACER_WRITE_PROXY_TOKEN")
    case 403, 404, 405:
      EventLogError(
        .incompatible,
        "what answers at \(address) is no write proxy of a Spacer server (\(status)): name its address with "
          + "--url")
    default: ControlReply.error(json: body) ?? unexpected(address)
    }
  }
}
