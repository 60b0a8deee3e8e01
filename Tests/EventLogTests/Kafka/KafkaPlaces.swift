import SpacerEventLog
import SpacerTestSupport

// Kafka's two peers in the conformance suite. What they lack is said here, and nowhere else.

extension StoreUnderTest {
  /// librdkafka's mock cluster.
  static let kafkaMock = StoreUnderTest(name: "kafka, mock cluster") { try KafkaMockPlace() }
  /// A separate process.
  static let kafka = StoreUnderTest(name: "kafka") { try KafkaServerPlace() }
}

extension KafkaSettings {
  /// For tests: what has gone wrong is told sooner.
  static func test(brokers: String, _ properties: [String: String] = [:]) -> KafkaSettings {
    KafkaSettings(
      appName: "app", brokers: brokers,
      properties: ["session.timeout.ms": "6000", "max.poll.interval.ms": "10000"].merging(properties) { $1 })
  }
}

private final class KafkaMockPlace: StorePlace {
  let mock: KafkaMock

  init() throws {
    mock = try KafkaMock(brokers: 3)
    mock.createTopics("app", Bench.topics)
  }

  var traits: StoreTraits {
    var traits = StoreTraits.kafka
    // It has neither of them.
    traits.findsTimes = false
    traits.listsGroups = false
    return traits
  }

  func makeStore() -> any EventStore { KafkaStore(.test(brokers: mock.brokers)) }

  func makeOlder(topic: String, milliseconds: Int64) {}
}

private final class KafkaServerPlace: StorePlace {
  private let server: KafkaServer

  init() throws { server = try KafkaServer() }

  var traits: StoreTraits { .kafka }

  func makeStore() -> any EventStore { KafkaStore(.test(brokers: server.brokers)) }

  func makeOlder(topic: String, milliseconds: Int64) {}
}

extension StoreTraits {
  fileprivate static var kafka: StoreTraits {
    // Shorter ones Kafka's brokers refuse by default, and the mock cluster does not get through a join.
    StoreTraits(
      isOneSequence: false, sharesWork: true, mayRepeat: true, trims: false, leaseMilliseconds: 6_000)
  }
}
