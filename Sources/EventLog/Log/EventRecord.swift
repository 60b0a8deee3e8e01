// What an event is, as the log holds it.

/// A partition of a topic: the unit that one member of a consumer group owns at a time. Events with equal keys
/// are in the same one.
package struct TopicPartition: Hashable, Sendable, Comparable {
  package var topic: String
  /// 0-based.
  package var partition: Int32

  package init(topic: String, partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  package static func < (a: Self, b: Self) -> Bool { (a.topic, a.partition) < (b.topic, b.partition) }
}

/// An event as the log holds it.
package struct EventRecord: Equatable, Sendable {
  package var topic: String
  package var partition: Int32
  /// Grows within a partition, with gaps. On memory, SQLite and PostgreSQL it grows within the whole topic.
  package var offset: Int64
  /// UTF-8.
  package var key: [UInt8]
  /// The payload, JSON.
  package var value: [UInt8]
  /// When it was appended, in milliseconds since 1970.
  package var timestampMilliseconds: Int64
  /// The id its append gave it; nil when it gave none.
  package var givenID: String?
  /// The `traceparent` of the call that appended it.
  package var trace: String?
  /// Other partitions have the same offsets (Kafka).
  package var offsetIsOfPartition: Bool

  package init(
    topic: String, partition: Int32, offset: Int64, key: [UInt8], value: [UInt8],
    timestampMilliseconds: Int64,
    givenID: String? = nil, trace: String? = nil, offsetIsOfPartition: Bool = false
  ) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.key = key
    self.value = value
    self.timestampMilliseconds = timestampMilliseconds
    self.givenID = givenID
    self.trace = trace
    self.offsetIsOfPartition = offsetIsOfPartition
  }

  package var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }

  /// What handlers see as `event.id`: the same at each retry and replay, also with another number of partitions.
  package var id: String {
    givenID ?? (offsetIsOfPartition ? "\(topic):\(partition):\(offset)" : "\(topic):\(offset)")
  }
}

extension Int64 {
  /// The offset after this one; the highest there is has none, and stays. A row that was written by hand may have it.
  package var nextOffset: Int64 { self == .max ? self : self + 1 }
}

/// Which partition a key belongs to, where that is ours to say (not on Kafka).
package enum KeyPartition {
  package static func of(_ key: some Sequence<UInt8>, count: Int32) -> Int32 { hash(key) % max(1, count) }

  /// FNV-1a with 64 bits, folded to 31; it is part of what is stored, and never changes.
  package static func hash(_ key: some Sequence<UInt8>) -> Int32 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in key { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return Int32((hash ^ hash >> 32) & 0x7FFF_FFFF)
  }
}
