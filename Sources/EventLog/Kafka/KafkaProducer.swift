// Appends by an idempotent producer. Callers put messages into the client's queue from their own threads; one
// thread takes the delivery reports and completes. A fatal error (the cluster lost what it had acknowledged to the
// client) ends a client for good: another takes its place, and what was on its way is told as an error. The old one
// is kept until all its reports came.

import CKafka
import CSystem
import SpacerSystem

/// What entries are produced as.
enum KafkaMessageKind {
  case event
  case record
  /// A tombstone: the entry's value is not sent.
  case removal
}

/// The store's producer. Usable from every thread.
final class KafkaProducer: Sendable {
  /// One client with its queue and topics; the client's threads end with the last that holds it.
  final class Session: @unchecked Sendable {
    // Thread rule: immutable; the handles may be used from every thread, the queue is polled by one.
    let client: KafkaClient
    let queue: OpaquePointer
    /// In the order of the producer's topics.
    fileprivate let topics: [OpaquePointer?]

    init(_ configuration: consuming KafkaConfiguration, topics: [String]) throws(EventLogError) {
      client = try KafkaClient(
        RD_KAFKA_PRODUCER, configuration, events: RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR)
      guard let queue = client.withHandle(spacer_kafka_queue_get_main) else {
        throw EventLogError(.failed, "Kafka's client has no queue")
      }
      self.queue = queue
      self.topics = client.withHandle { client in topics.map { spacer_kafka_topic_new(client, $0) } }
    }

    deinit {
      for case let topic? in topics { spacer_kafka_topic_destroy(topic) }
      spacer_kafka_queue_destroy(queue)
    }
  }

  private struct State {
    var session: Session
    var pending: KafkaPendingAppends
    /// The last error that the client told of, before it lost its last broker.
    var problem: String?
    /// What was wrong when the client lost its last broker; nil again after a delivery.
    var outage: String?
    var isClosing = false
    var hasEnded = false
  }

  /// What waits for the cluster, in bytes and in events.
  private static let pendingBytesMax = 64 << 20
  private static let pendingEntriesMax = 100_000
  private static let pollMilliseconds: Int32 = 100
  private static let purgeMilliseconds: Int64 = 2_000

  private let state: Monitor<State>
  private let settings: KafkaSettings
  private let topics: [String]
  private let messageBytesMax: Int
  /// Of one request: more the client does not take at a time.
  private let entryCountMax: Int
  private let clock: SystemClock

  /// Starts the client and the thread that takes delivery reports.
  /// - Parameter topics: Their names in Kafka.
  init(_ settings: KafkaSettings, topics: [String], clock: SystemClock = .machine) throws(EventLogError) {
    let configuration = try settings.configuration(.producer)
    messageBytesMax = configuration.number("message.max.bytes") ?? 1_000_000
    // Zero is the client's word for no bound.
    let queueMax = configuration.number("queue.buffering.max.messages") ?? 0
    entryCountMax = min(queueMax > 0 ? queueMax : .max, Self.pendingEntriesMax)
    let session = try Session(configuration, topics: topics)
    state = Monitor(
      State(
        session: session,
        pending: KafkaPendingAppends(bytesMax: Self.pendingBytesMax, entriesMax: entryCountMax)))
    self.settings = settings
    self.topics = topics
    self.clock = clock
    Threads.start(name: "kafka-append") { self.run() }
  }

  /// The client of now, for asking the cluster.
  var client: KafkaClient { state.withLock { $0.session.client } }

  /// What is wrong, as far as the client told.
  var problem: String? { state.withLock { $0.outage ?? $0.problem } }

  /// Produces to one topic; never blocks. Completes once, from any thread.
  /// - Parameter topic: Its place in the producer's topics.
  func produce(_ append: PendingAppend, to topic: Int, as kind: KafkaMessageKind) {
    let request = append.request
    let entries = request.entries
    if entries.isEmpty { return append.complete(.success(AppendOutcome(offsets: []))) }
    var bytes = 64
    var largest = 0
    for entry in entries {
      let count = entry.byteCount
      bytes += count
      largest = max(largest, count)
    }
    if let refusal = refusal(entries.count, largest) { return append.complete(.failure(refusal)) }
    let deadline = clock.monotonicMilliseconds() + Int64(request.timeoutMilliseconds)
    // Nil when it is refused.
    let place: (session: Session, slot: Int)? = state.withLock { state in
      guard !state.isClosing else { return nil }
      return state.pending.add(
        append, entryCount: entries.count, byteCount: bytes, deadlineMilliseconds: deadline
      ).map { (state.session, $0) }
    }
    guard let place else {
      let isClosing = state.withLock { $0.isClosing }
      return append.complete(
        .failure(
          isClosing
            ? EventLogError(.unavailable, "the event log is closed")
            : EventLogError(.overloaded, "too many events wait for Kafka: try again later")))
    }
    // What follows an entry that was not taken is not sent: it could be of the same key.
    var code: Int32 = 0
    for index in entries.indices {
      let number = KafkaPendingAppends.number(slot: place.slot, entry: index)
      if code == 0 { code = Self.produce(place.session, topic, request, entry: index, kind, number) }
      if code != 0 {
        let error = KafkaErrors.delivery(code, mayBeStored: false, outage: nil)
        let completed = state.withLock { $0.pending.report(number, .failure(error)) }
        completed?.run()
      }
    }
  }

  private func refusal(_ entryCount: Int, _ largest: Int) -> EventLogError? {
    if entryCount > entryCountMax {
      return EventLogError(.tooLarge, "more than \(entryCountMax) events in one append")
    }
    // The trace and what the client adds around a message is below 320 bytes.
    guard largest + 320 > messageBytesMax else { return nil }
    return EventLogError(
      .tooLarge,
      "an event of \(largest) bytes is larger than the \(messageBytesMax) of Kafka's message.max.bytes")
  }

  private static func produce(
    _ session: Session, _ topic: Int, _ request: AppendRequest, entry: Int, _ kind: KafkaMessageKind,
    _ number: UInt64
  ) -> Int32 {
    guard session.topics.indices.contains(topic), let topic = session.topics[topic] else {
      return RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue
    }
    return request.entries[entry].withBytes { key, value, id in
      // An empty value has bytes all the same: only a removal has none.
      let bytes = kind == .removal ? nil : value.baseAddress ?? key.baseAddress
      var message = spacer_kafka_message(
        key: key.baseAddress, key_count: key.count, value: bytes,
        value_count: kind == .removal ? 0 : value.count, trace: nil, trace_count: 0, id: id?.baseAddress,
        id_count: id?.count ?? 0, is_json: kind == .event ? 1 : 0, opaque: number)
      return session.client.withHandle { client in
        withExtendedLifetime(session) {
          guard let trace = request.trace else { return spacer_kafka_produce(client, topic, &message) }
          return trace.withBytes { trace in
            message.trace = trace.baseAddress
            message.trace_count = trace.count
            return spacer_kafka_produce(client, topic, &message)
          }
        }
      }
    }
  }

  /// Refuses what comes from now on, and returns when all that was handed in has completed.
  func close() {
    let session = state.withLock { state in
      state.isClosing = true
      return state.session
    }
    spacer_kafka_queue_yield(session.queue)
    state.wait(milliseconds: nil) { $0.hasEnded ? () : nil }
  }

  // The thread of the delivery reports

  private func run() {
    var session = state.withLock { $0.session }
    // Clients that others took the place of, with reports to come.
    var retired: [Session] = []
    var purgeAt: Int64?
    var isFatal = false
    while true {
      isFatal = takeEvents(session, waitMilliseconds: Self.pollMilliseconds) || isFatal
      for old in retired { takeEvents(old, waitMilliseconds: 0) }
      retired.removeAll { $0.client.withHandle(spacer_kafka_outq_len) == 0 }
      let now = clock.monotonicMilliseconds()
      for late in state.withLock({ $0.pending.expire(nowMilliseconds: now) }) { late.run() }
      if isFatal, let next = replace(session) {
        retired.append(session)
        session = next
        isFatal = false
      }
      let (isClosing, isEmpty) = state.withLock { ($0.isClosing, $0.pending.isEmpty) }
      guard isClosing else { continue }
      if isEmpty { break }
      // The client gives messages up by itself; this is for when it does not.
      if let end = purgeAt {
        if now < end { continue }
        session.client.withHandle(spacer_kafka_purge)
        drain(session)
        break
      }
      purgeAt = now + Int64(settings.appendTimeoutMilliseconds)
    }
    for completed in state.withLock({ $0.pending.giveUp() }) { completed.run() }
    state.withLock { $0.hasEnded = true }
    state.signal()
  }

  /// Takes what came of messages that were given up, within a bound.
  private func drain(_ session: Session) {
    let end = clock.monotonicMilliseconds() + Self.purgeMilliseconds
    while session.client.withHandle(spacer_kafka_outq_len) > 0, clock.monotonicMilliseconds() < end {
      takeEvents(session, waitMilliseconds: Self.pollMilliseconds)
    }
  }

  /// Puts another client in the place of one that cannot go on, which then gives up what it has; nil when that
  /// cannot be made now.
  private func replace(_ old: Session) -> Session? {
    guard let configuration = try? settings.configuration(.producer),
      let next = try? Session(configuration, topics: topics)
    else { return nil }
    state.withLock { $0.session = next }
    old.client.withHandle(spacer_kafka_purge)
    return next
  }

  /// Waits for an event and takes all there are; true after a fatal error.
  @discardableResult
  private func takeEvents(_ session: Session, waitMilliseconds: Int32) -> Bool {
    var isFatal = false
    var event = spacer_kafka_queue_poll(session.queue, waitMilliseconds)
    while let current = event {
      switch spacer_kafka_event_type(current) {
      case RD_KAFKA_EVENT_DR: takeDeliveries(current)
      case RD_KAFKA_EVENT_ERROR:
        isFatal = isFatal || spacer_kafka_event_error_is_fatal(current) != 0
        let isOutage = spacer_kafka_event_error(current) == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue
        let text = KafkaText.sentence(spacer_kafka_event_error_string(current))
        state.withLock { state in
          if isOutage { state.outage = state.problem ?? text } else { state.problem = text }
        }
      default: break
      }
      spacer_kafka_event_destroy(current)
      event = spacer_kafka_queue_poll(session.queue, 0)
    }
    return isFatal
  }

  private func takeDeliveries(_ event: OpaquePointer) {
    withUnsafeTemporaryAllocation(of: spacer_kafka_delivery.self, capacity: 256) { deliveries in
      while true {
        let count = spacer_kafka_event_deliveries(event, deliveries.baseAddress, deliveries.count)
        if count == 0 { return }
        var completed: [KafkaPendingAppends.Completed] = []
        completed.reserveCapacity(count)
        state.withLock { state in
          for delivery in deliveries.prefix(count) {
            let result: Result<Int64, EventLogError>
            if delivery.error == 0 {
              state.outage = nil
              result = .success(delivery.offset)
            } else {
              result = .failure(
                KafkaErrors.delivery(
                  delivery.error, mayBeStored: delivery.may_be_stored != 0, outage: state.outage))
            }
            if let done = state.pending.report(delivery.opaque, result) { completed.append(done) }
          }
        }
        for done in completed { done.run() }
      }
    }
  }
}
