import CKafka
import SpacerSystem
import Testing

@testable import SpacerEventLog

/// What of the properties reaches which client.
@Suite struct KafkaSettingsTests {
  init() throws { try #require(spacer_kafka_open() == nil, "run scripts/setup test") }

  private static let roles: [KafkaSettings.Role] = [
    .producer, .reader, .consumer(group: "g", ConsumerOptions(memberID: "m", leaseMilliseconds: 6_000)),
  ]

  private func get(_ properties: [String: String], _ role: KafkaSettings.Role, _ name: String) throws
    -> String?
  {
    let settings = KafkaSettings(appName: "app", brokers: "127.0.0.1:1", properties: properties)
    try settings.check()
    return try settings.configuration(role).get(name)
  }

  /// Clients are made of it: what contradicts itself they refuse.
  private func start(_ properties: [String: String]) throws {
    let settings = KafkaSettings(appName: "app", brokers: "127.0.0.1:1", properties: properties)
    try settings.check()
    for role in Self.roles {
      let type = if case .producer = role { RD_KAFKA_PRODUCER } else { RD_KAFKA_CONSUMER }
      _ = try KafkaClient(type, settings.configuration(role), events: 0)
    }
  }

  @Test(arguments: [
    ("client.rack", "r1"), ("compression.type", "gzip"), ("linger.ms", "7"), ("socket.timeout.ms", "9000"),
    ("fetch.wait.max.ms", "123"), ("partitioner", "consistent"), ("security.protocol", "ssl"),
    ("message.max.bytes", "2000"), ("reconnect.backoff.max.ms", "1234"),
    ("isolation.level", "read_uncommitted"),
    ("ssl.ca.location", "/some/where.pem"), ("statistics.interval.ms", "60000"),
  ])
  func aPropertyPassesThrough(_ name: String, _ value: String) throws {
    for role in Self.roles { #expect(try get([name: value], role, name) == value) }
  }

  @Test func thePromisesStand() throws {
    #expect(try get([:], .producer, "enable.idempotence") == "true")
    #expect(try get(["acks": "-1"], .producer, "acks") == "-1")
    for role in Self.roles.dropFirst() {
      #expect(try get(["enable.auto.commit": "false"], role, "enable.auto.commit") == "false")
      #expect(
        try get([:], role, "auto.offset.reset") == "smallest"
          || get([:], role, "auto.offset.reset") == "earliest")
    }
    #expect(try get([:], Self.roles[2], "partition.assignment.strategy") == "cooperative-sticky")
  }

  /// The client compares times of a group with one another, also where there is none.
  @Test(arguments: [
    ["max.poll.interval.ms": "1000"], ["session.timeout.ms": "120000"],
    ["session.timeout.ms": "2000", "max.poll.interval.ms": "3000"], ["group.instance.id": "one"],
  ])
  func timesOfAGroupMayBeAny(_ properties: [String: String]) throws { try start(properties) }

  @Test func aReaderHasNoGroupsTimes() throws {
    let untouched = try get([:], .reader, "session.timeout.ms")
    #expect(try get(["session.timeout.ms": "2000"], .reader, "session.timeout.ms") == untouched)
    #expect(try get(["session.timeout.ms": "2000"], Self.roles[2], "session.timeout.ms") == "2000")
    #expect(try get(["session.timeout.ms": "2100"], Self.roles[2], "heartbeat.interval.ms") == "700")
    #expect(try get(["max.poll.interval.ms": "1000"], Self.roles[2], "session.timeout.ms") == "1000")
    #expect(try get([:], Self.roles[2], "max.poll.interval.ms") == "60000")
  }
}
