import CKafkaMock
import SpacerEventLog
import Synchronization
import Testing

/// A cluster of brokers in the test's own process, which fail when told.
final class KafkaMock: @unchecked Sendable {
  // Thread rule: the library's cluster handle may be used from every thread.
  private let mock: spacer_kafka_mock

  init(brokers: Int32 = 1) throws {
    mock = spacer_kafka_mock_start(brokers)
    try #require(mock.cluster != nil, "librdkafka's mock cluster does not start: run scripts/setup test")
  }

  deinit { spacer_kafka_mock_stop(mock) }

  var brokers: String { String(cString: spacer_kafka_mock_bootstraps(mock)) }

  /// Creates what a store's `open` would have created; the mock cannot be asked to.
  func createTopics(_ appName: String, _ topics: [TopicDefinition], replicas: Int32 = 1) {
    for topic in topics {
      _ = spacer_kafka_mock_create_topic(mock, "\(appName)_\(topic.name)", topic.partitionCount, replicas)
    }
    for name in ["spacer_dead_letters", "spacer_controls"] {
      _ = spacer_kafka_mock_create_topic(mock, "\(appName)_\(name)", 1, replicas)
    }
  }

  /// Requests of the protocol, by their numbers.
  enum Request: Int16 {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case offsetCommit = 8
    case offsetFetch = 9
    case joinGroup = 11
    case heartbeat = 12
  }

  func fail(_ request: Request, _ errors: [rd_kafka_resp_err_t]) {
    spacer_kafka_mock_fail(mock, request.rawValue, errors, errors.count)
  }

  func delay(milliseconds: Int32) { _ = spacer_kafka_mock_delay(mock, -1, milliseconds) }

  func lead(_ topic: String, _ partition: Int32, broker: Int32) {
    _ = spacer_kafka_mock_lead(mock, topic, partition, broker)
  }

  /// Cuts every connection at its next request, until `up`. The mock cluster's own way closes its ports, which
  /// another process may take meanwhile.
  func down() {
    let errors = [rd_kafka_resp_err_t](repeating: RD_KAFKA_RESP_ERR__TRANSPORT, count: 2_000)
    for request in Self.requests { spacer_kafka_mock_fail(mock, request, errors, errors.count) }
  }

  func up() { for request in Self.requests { spacer_kafka_mock_fail(mock, request, nil, 0) } }

  /// Of the protocol, all that the client sends.
  private static let requests: [Int16] = [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 18, 22]
}
