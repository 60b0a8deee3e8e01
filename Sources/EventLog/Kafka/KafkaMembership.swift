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
    answerMilliseconds = Int64(configuration.number("max.poll.interval.ms") ?? 300_000)
    client = try KafkaClient(
      RD_KAFKA_CONSUMER, configuration,
      events: RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR)
    _ = client.withHandle(spacer_kafka_poll_set_consumer)
    guard let control = client.withHandle(spacer_kafka_queue_get_consumer),
      let messages = client.withHandle(spacer_kafka_queue_new)
    else { throw EventLogError(.failed, "Kafka's client has no queue") }
    self.control = control
    self.messages = messages
    spacer_kafka_queue_signal(control, signal.descriptor)
    spacer_kafka_queue_signal(messages, signal.descriptor)
    let list = KafkaPartitions(capacity: topics.count)
    for name in topics { list.add(name, RD_KAFKA_PARTITION_UA) }
    let code = withClient(list, spacer_kafka_subscribe)
    if code != 0 { throw KafkaErrors.error(code, "join the group \(group)") }
  }

  deinit {
    spacer_kafka_queue_signal(messages, -1)
    spacer_kafka_queue_signal(control, -1)
    spacer_kafka_queue_destroy(messages)
    spacer_kafka_queue_destroy(control)
  }

  /// Calls a function of the client's with a list.
  func withClient(
    _ list: borrowing KafkaPartitions,
    _ body: (OpaquePointer?, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> Int32
  ) -> Int32 {
    client.withHandle { client in list.withHandle { body(client, $0) } }
  }

  /// Leaves the group, within a bound: answers what the client asks and waits until it has told the group.
  func leave(milliseconds: Int, _ clock: SystemClock) {
    guard let queue = client.withHandle(spacer_kafka_queue_new) else { return }
    defer { spacer_kafka_queue_destroy(queue) }
    guard client.withHandle({ spacer_kafka_consumer_close_queue($0, queue) }) == 0 else { return }
    let end = clock.monotonicMilliseconds() + Int64(milliseconds)
    while client.withHandle(spacer_kafka_consumer_closed) == 0, clock.monotonicMilliseconds() < end {
      guard let event = spacer_kafka_queue_poll(queue, 50) else { continue }
      // Whatever a client that leaves is answered, it gives up everything.
      if spacer_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE {
        _ = withClient(KafkaPartitions(capacity: 0), spacer_kafka_incremental_unassign)
      }
      spacer_kafka_event_destroy(event)
    }
  }
}
