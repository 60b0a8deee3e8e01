// Reads one topic without a group, from positions that the caller holds. A client is kept between reads, so that
// reading on from where it stands costs no new start. It is set to a place once: librdkafka (2.0.2) ends the process
// in an assertion when a partition is assigned again before it has stopped. To tell "nothing there" from "nothing
// fetched yet", a read asks for the ends first and goes on until it is there.

import CKafka
import SpacerSystem

/// A reader of one topic. Used from one thread at a time.
final class KafkaReader: @unchecked Sendable {
  // Thread rule: its owner, `KafkaReaders` or a record cache, hands it to one thread at a time.

  /// One message, which may be a tombstone.
  struct Message {
    var partition: Int32
    var offset: Int64
    var timestampMilliseconds: Int64
    var key: [UInt8]
    var value: [UInt8]?
    var id: String?
    var trace: String?
  }

  /// The topic's name in Kafka.
  let name: String
  private let client: KafkaClient
  private let queue: OpaquePointer
  private let clock: SystemClock
  /// The next offset by partition.
  private(set) var next: [Int32: Int64]
  /// What went wrong last; told when a read gets no further.
  private var problem: EventLogError?

  /// A reader that stands at a place.
  /// - Parameter ends: One after the newest by partition: a place behind it waits there.
  init(
    _ settings: KafkaSettings, name: String, at positions: [Int32: Int64], ends: [Int32: Int64],
    clock: SystemClock = .machine
  ) throws(EventLogError) {
    self.name = name
    self.clock = clock
    next = positions
    client = try KafkaClient(
      RD_KAFKA_CONSUMER, settings.configuration(.reader), events: RD_KAFKA_EVENT_ERROR)
    _ = client.withHandle(spacer_kafka_poll_set_consumer)
    guard let queue = client.withHandle(spacer_kafka_queue_get_consumer) else {
      throw EventLogError(.failed, "Kafka's client has no queue")
    }
    self.queue = queue
    let list = KafkaPartitions(capacity: positions.count)
    for (partition, offset) in positions {
      list.add(name, partition, offset: min(offset, ends[partition] ?? offset))
    }
    let code = client.withHandle { client in list.withHandle { spacer_kafka_assign(client, $0) } }
    if code != 0 { throw KafkaErrors.error(code, "read \(name)") }
  }

  deinit { spacer_kafka_queue_destroy(queue) }

  /// The next messages: at least what is before `ends`, as far as `limit` and the time allow.
  /// - Parameters:
  ///   - waitMilliseconds: How long to wait for a first one behind the ends.
  ///   - timeoutMilliseconds: Bounds the way to the ends.
  /// - Throws: `unavailable`, when nothing came though there is something.
  func read(
    ends: [Int32: Int64], limit: Int, waitMilliseconds: Int, timeoutMilliseconds: Int
  ) throws(EventLogError) -> [Message] {
    var messages: [Message] = []
    let began = clock.monotonicMilliseconds()
    problem = nil
    while messages.count < limit {
      let isThere = ends.allSatisfy { next[$0.key, default: 0] >= $0.value }
      let passed = Int(clock.monotonicMilliseconds() - began)
      let remaining = (isThere ? waitMilliseconds : max(waitMilliseconds, timeoutMilliseconds)) - passed
      // Behind the ends the first message ends the wait; those that came with it are taken.
      let wait = isThere && !messages.isEmpty ? 0 : max(0, remaining)
      if let event = spacer_kafka_queue_poll(queue, Int32(clamping: wait)) {
        take(event, into: &messages)
        spacer_kafka_event_destroy(event)
        continue
      }
      if isThere || !messages.isEmpty { break }
      throw problem ?? EventLogError(.unavailable, "Kafka brought no events of \(name) in time")
    }
    return messages
  }

  private func take(_ event: OpaquePointer, into messages: inout [Message]) {
    switch spacer_kafka_event_type(event) {
    case RD_KAFKA_EVENT_FETCH:
      var record = spacer_kafka_record()
      guard spacer_kafka_event_record(event, &record) != 0 else { return }
      if record.error != 0 {
        problem = KafkaErrors.error(record.error, "read \(name)", KafkaText.sentence(record.error_text))
      } else if record.offset >= next[record.partition, default: 0] {
        next[record.partition] = record.offset + 1
        messages.append(Message(record))
      }
    case RD_KAFKA_EVENT_ERROR:
      let code = spacer_kafka_event_error(event)
      if code == RD_KAFKA_RESP_ERR__PARTITION_EOF.rawValue {
        // Where a partition ends in what is no event, such as a transaction's mark or what retention removed, only
        // this tells.
        var partition: Int32 = 0
        var offset: Int64 = 0
        guard spacer_kafka_event_partition(event, &partition, &offset) != 0 else { return }
        next[partition] = max(next[partition, default: 0], offset)
        return
      }
      problem = KafkaErrors.error(code, "be read", KafkaText.sentence(spacer_kafka_event_error_string(event)))
    default: break
    }
  }
}

extension KafkaReader.Message {
  init(_ record: spacer_kafka_record) {
    partition = record.partition
    offset = record.offset
    timestampMilliseconds = record.timestamp
    key = KafkaText.bytes(record.key, record.key_count)
    value = record.value == nil ? nil : KafkaText.bytes(record.value, record.value_count)
    id = record.id.map {
      String(decoding: UnsafeBufferPointer(start: $0, count: record.id_count), as: UTF8.self)
    }
    trace = record.trace.map {
      String(decoding: UnsafeBufferPointer(start: $0, count: record.trace_count), as: UTF8.self)
    }
  }

  /// As an event; a message without a value, which no append of ours makes, has the value `null`.
  func event(topic: String) -> EventRecord {
    EventRecord(
      topic: topic, partition: partition, offset: offset, key: key, value: value ?? Array("null".utf8),
      timestampMilliseconds: timestampMilliseconds, givenID: id, trace: trace,
      offsetIsOfPartition: true)
  }
}
