// What librdkafka's errors mean for a caller.

import CKafka

enum KafkaErrors {
  /// Of an answer of the cluster's, or of none.
  /// - Parameter doing: What was tried, after "cannot".
  static func error(_ code: Int32, _ doing: String, _ detail: String? = nil) -> EventLogError {
    let reason = detail.flatMap { $0.isEmpty ? nil : $0 } ?? text(code)
    return EventLogError(kind(code), "Kafka cannot \(doing): \(reason)")
  }

  static func text(_ code: Int32) -> String { KafkaText.sentence(spacer_kafka_err2str(code)) }

  static func kind(_ code: Int32) -> EventLogError.Code {
    switch rd_kafka_resp_err_t(code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
      RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
      RD_KAFKA_RESP_ERR__WAIT_CACHE, RD_KAFKA_RESP_ERR__IN_PROGRESS, RD_KAFKA_RESP_ERR__DESTROY,
      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
      RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
      RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__FATAL:
      .unavailable
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT: .timedOut
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT: .outcomeUnknown
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: .tooLarge
    case RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED: .overloaded
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
      RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      .unknownTopic
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
      .fenced
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR: .full
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION: .incompatible
    default: .failed
    }
  }

  /// Of an event that was not delivered.
  /// - Parameters:
  ///   - mayBeStored: It was sent, and may be in the log all the same.
  ///   - outage: What the client said when it lost its last broker, while it has none.
  static func delivery(_ code: Int32, mayBeStored: Bool, outage: String?) -> EventLogError {
    let kind = kind(code)
    switch kind {
    case .tooLarge:
      return EventLogError(.tooLarge, "the event is larger than Kafka takes (message.max.bytes)")
    case .timedOut, .unavailable, .outcomeUnknown:
      let reason = outage ?? text(code)
      if mayBeStored {
        return EventLogError(
          .outcomeUnknown, "Kafka did not acknowledge the event, which may be stored or not: \(reason)")
      }
      if kind == .timedOut, outage == nil {
        return EventLogError(.timedOut, "Kafka did not take the event in time")
      }
      return EventLogError(.unavailable, "Kafka cannot be reached: \(reason)")
    default:
      if mayBeStored {
        return EventLogError(.outcomeUnknown, "the event may be stored in Kafka or not: \(text(code))")
      }
      return EventLogError(kind, "Kafka did not store the event: \(text(code))")
    }
  }
}
