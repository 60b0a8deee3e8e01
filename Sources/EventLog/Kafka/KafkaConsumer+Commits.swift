// What the member has done, on its way to the group: one commit at a time, by `KafkaCommits`.

import CKafka
import SpacerSystem

extension KafkaConsumer {
  func commit(_ done: [TopicPartition: Int64]) throws(EventLogError) {
    takeControl()
    var isFenced = false
    for (place, offset) in done {
      if owned[place] != nil { commits.want(place, next: offset + 1) } else { isFenced = true }
    }
    sendCommits()
    if isFenced { throw EventLogError(.fenced, "another member of the group has the partition now") }
  }

  func sendCommits() {
    let now = clock.monotonicMilliseconds()
    guard let offsets = commits.take(nowMilliseconds: now) else { return }
    let list = KafkaPartitions(capacity: offsets.count)
    for (place, offset) in offsets.sorted(by: { $0.key < $1.key }) {
      list.add(settings.kafkaName(place.topic), place.partition, offset: offset)
    }
    let code = membership.withClient(list) { spacer_kafka_commit($0, $1, membership.control) }
    if code != 0 { commits.answered(nowMilliseconds: now) { _ in .failed } }
  }

  func takeCommit(_ event: OpaquePointer) {
    let whole = spacer_kafka_event_error(event)
    var errors: [TopicPartition: Int32] = [:]
    if let list = spacer_kafka_event_partitions(event) {
      let partitions = KafkaPartitions(copying: list)
      for index in 0..<partitions.count where partitions.error(index) != 0 {
        guard let place = topicPartition(partitions, index) else { continue }
        errors[place] = partitions.error(index)
      }
    }
    var isOut = false
    commits.answered(nowMilliseconds: clock.monotonicMilliseconds()) { place in
      let code = errors[place] ?? whole
      if code == 0 { return .committed }
      switch KafkaErrors.kind(code) {
      case .fenced:
        isOut = true
        return .failed
      case .unknownTopic, .tooLarge, .incompatible: return .refused
      default: return .failed
      }
    }
    // Otherwise the client tells by itself, or has joined again meanwhile and the commit succeeds. Not here and now:
    // the event that told it belongs to the client that goes.
    if isOut, !revoking.isEmpty { answerByMilliseconds = .min }
  }

  /// Hears the client out, within a bound, until the commits are as far as `isDone` says.
  func waitForCommits(_ isDone: (KafkaCommits) -> Bool) {
    let end = clock.monotonicMilliseconds() + Int64(Self.leaveMilliseconds)
    while true {
      takeControl()
      sendCommits()
      let now = clock.monotonicMilliseconds()
      if isDone(commits) || now >= end { return }
      signal.wait(milliseconds: Int(min(end, max(now + 1, commits.nextMilliseconds ?? end)) - now))
    }
  }
}
