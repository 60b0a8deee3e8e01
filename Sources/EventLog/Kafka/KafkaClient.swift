// Owning handles of librdkafka. Unsafe: a handle stays valid until its owner goes, and an owner may go right after
// its last use: `f(list().handle)` would free the list before f begins. So a handle is only lent, by `withHandle`,
// which keeps its owner until the call has returned. What an event or a list points to is handed out as a copy.

import CKafka

/// A configuration on its way to a client.
struct KafkaConfiguration: ~Copyable {
  private var handle: OpaquePointer?

  init() { handle = spacer_kafka_conf_new() }

  deinit {
    if let handle { spacer_kafka_conf_destroy(handle) }
  }

  /// - Throws: `failed`; the reason names the property and not its value, which may be a password.
  mutating func set(_ name: String, _ value: String) throws(EventLogError) {
    var reason = [CChar](repeating: 0, count: 512)
    guard let handle, spacer_kafka_conf_set(handle, name, value, &reason, reason.count) == 0 else {
      var text = KafkaText.string(reason)
      if !value.isEmpty, text.utf8.count > 0, text.contains(value) { text = "its value is not accepted" }
      throw EventLogError(.failed, "the Kafka property \(name) cannot be set: \(text)")
    }
  }

  func get(_ name: String) -> String? {
    var text = [CChar](repeating: 0, count: 512)
    guard let handle, spacer_kafka_conf_get(handle, name, &text, text.count) != 0 else { return nil }
    return KafkaText.string(text)
  }

  func number(_ name: String) -> Int? { get(name).flatMap { Int($0) } }

  /// The handle, which the caller owns from now on.
  consuming func take() -> OpaquePointer? {
    let taken = handle
    handle = nil
    return taken
  }
}

/// A client of the cluster, with its threads.
final class KafkaClient: @unchecked Sendable {
  // Thread rule: the library's client handle may be used from every thread.
  private let handle: OpaquePointer

  /// - Parameter events: A mask of RD_KAFKA_EVENT_….
  init(
    _ type: rd_kafka_type_t, _ configuration: consuming KafkaConfiguration, events: Int32
  ) throws(EventLogError) {
    var reason = [CChar](repeating: 0, count: 512)
    guard let handle = spacer_kafka_new(type, configuration.take(), events, &reason, reason.count) else {
      throw EventLogError(.failed, "Kafka's client cannot start: \(KafkaText.string(reason))")
    }
    self.handle = handle
  }

  /// Blocks until the client's threads have ended.
  deinit { spacer_kafka_destroy(handle) }

  /// Lends the handle, which is valid until `body` returns.
  @inline(__always)
  func withHandle<Result>(_ body: (OpaquePointer) -> Result) -> Result {
    withExtendedLifetime(self) { body(handle) }
  }
}

/// Partitions with offsets, in the library's form.
struct KafkaPartitions: ~Copyable {
  typealias Handle = UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
  private let handle: Handle

  init(capacity: Int = 16) { handle = spacer_kafka_list_new(Int32(clamping: capacity)) }

  init(copying list: UnsafePointer<rd_kafka_topic_partition_list_t>) {
    handle = spacer_kafka_list_copy(list)
  }

  deinit { spacer_kafka_list_destroy(handle) }

  /// Lends the list, which is valid until `body` returns.
  func withHandle<Result>(_ body: (Handle) -> Result) -> Result {
    withExtendedLifetime(self) { body(handle) }
  }

  private func element<Result>(
    _ index: Int, _ body: (inout rd_kafka_topic_partition_t) -> Result
  ) -> Result {
    withHandle { list in
      precondition(index >= 0 && index < Int(list.pointee.cnt))
      return body(&list.pointee.elems[index])
    }
  }

  /// - Parameter topic: Its name in Kafka.
  func add(_ topic: String, _ partition: Int32, offset: Int64 = Int64(RD_KAFKA_OFFSET_INVALID)) {
    withHandle { spacer_kafka_list_add($0, topic, partition, offset) }
  }

  var count: Int { withHandle { Int($0.pointee.cnt) } }

  func offset(_ index: Int) -> Int64 { element(index) { $0.offset } }

  func setOffset(_ index: Int, _ offset: Int64) { element(index) { $0.offset = offset } }

  /// 0 for none.
  func error(_ index: Int) -> Int32 { element(index) { $0.err.rawValue } }

  func partition(_ index: Int) -> Int32 { element(index) { $0.partition } }

  /// The topic's name in Kafka.
  func topic(_ index: Int) -> String { element(index) { KafkaText.string($0.topic) } }

  /// The first error of a partition; 0 for none.
  var firstError: Int32 {
    for index in 0..<count where error(index) != 0 { return error(index) }
    return 0
  }
}

/// Text from the library, which may be none or not UTF-8.
enum KafkaText {
  /// In bytes, of what goes into a message for people.
  private static let textBytesMax = 300

  static func string(_ characters: [CChar]) -> String {
    characters.withUnsafeBufferPointer { string($0.baseAddress) }
  }

  static func string(_ characters: UnsafePointer<CChar>?) -> String {
    guard let characters else { return "" }
    return String(cString: characters)
  }

  /// Bounded and in one line.
  static func sentence(_ characters: UnsafePointer<CChar>?) -> String {
    String(
      decoding: string(characters).utf8.prefix(textBytesMax).map { $0 < 0x20 ? 0x20 : $0 }, as: UTF8.self)
  }

  static func bytes(_ pointer: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    guard let pointer, count > 0 else { return [] }
    return [UInt8](UnsafeBufferPointer(start: pointer, count: count))
  }
}
