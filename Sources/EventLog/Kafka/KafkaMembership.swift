// One client of a consumer group, with its queues: what it tells of itself comes on `control`, messages on
// `messages`, to which each partition is forwarded when it is assigned. Unsafe: the queues belong to the client,
// and are let go before it.

import CKafka
import SpacerSystem

/// A client as a member of a group. Used from one thread at a time.
final class KafkaMembership {
  let client: KafkaClient
  let control: OpaquePointer
  let messages: OpaquePointer
  /// How long the group waits for the answer to a revocation.
  let answerMilliseconds: Int64
  // Held, for its descriptor is the queues' as well.
  private let signal: KafkaSignal

  /// Joins.
  /// - Parameter topics: Their names in Kafka.
  init(
    _ settings: KafkaSettings, group: String, _ topics: [String], _ options: ConsumerOptions,
    _ signal: KafkaSignal
  ) throws(EventLogError) {
    self.signal = signal
    let configuration = try settings.configuration(.consumer(group: group, options))
    answerMilliseconds = configuration.get("max.poll.interval.ms").flatMap { Int64($0) } ?? 300_000
    client = try KafkaClient(
      RD_KAFKA_CONSUMER, configuration,
      events: RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR)
    _ = spacer_kafka_poll_set_consumer(client.handle)
    guard let control = spacer_kafka_queue_get_consumer(client.handle),
      let messages = spacer_kafka_queue_new(client.handle)
    else { throw EventLogError(.failed, "Kafka's client has no queue") }
    self.control = control
    self.messages = messages
    spacer_kafka_queue_signal(control, signal.descriptor)
    spacer_kafka_queue_signal(messages, signal.descriptor)
    let list = KafkaPartitions(capacity: topics.count)
    for name in topics { list.add(name, RD_KAFKA_PARTITION_UA) }
    let code = spacer_kafka_subscribe(client.handle, list.handle)
    if code != 0 { throw KafkaErrors.error(code, "join the group \(group)") }
  }

  deinit {
    spacer_kafka_queue_signal(messages, -1)
    spacer_kafka_queue_signal(control, -1)
    spacer_kafka_queue_destroy(messages)
    spacer_kafka_queue_destroy(control)
  }

  /// Leaves the group, within a bound: answers the client's last revocation and waits until it has told the group.
  func leave(milliseconds: Int, _ clock: SystemClock) {
    guard let queue = spacer_kafka_queue_new(client.handle) else { return }
    defer { spacer_kafka_queue_destroy(queue) }
    guard spacer_kafka_consumer_close_queue(client.handle, queue) == 0 else { return }
    let end = clock.monotonicMilliseconds() + Int64(milliseconds)
    while spacer_kafka_consumer_closed(client.handle) == 0, clock.monotonicMilliseconds() < end {
      guard let event = spacer_kafka_queue_poll(queue, 50) else { continue }
      if spacer_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE,
        let list = spacer_kafka_event_partitions(event)
      {
        _ = spacer_kafka_incremental_unassign(client.handle, list)
      }
      spacer_kafka_event_destroy(event)
    }
  }
}
