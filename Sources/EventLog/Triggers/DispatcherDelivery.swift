// Events come in.

extension TriggerDispatcher {
  /// Events of partitions that are ours; others are ignored, as are those that are here already.
  package mutating func deliver(_ events: [EventRecord], now: Moment) {
    var topic = ""
    var topicPlace: Int?
    for record in events {
      if topicPlace == nil || record.topic != topic {
        topic = record.topic
        topicPlace = topicPlaces[topic]
      }
      guard let topicPlace, let place = topicPartitions[topicPlace][record.partition] else { continue }
      let partition = Int(place)
      guard partitions[partition].ownership == .owned, partitions[partition].window.isNew(record.offset)
      else {
        continue
      }
      // The driver takes back what it holds as committed from this event on: see OffsetWindow.
      if let committed = partitions[partition].committed, committed >= record.offset {
        partitions[partition].committed = record.offset - 1
      }
      if topic == InternalEvent.topic {
        routeInternal(record, partition, now)
      } else {
        route(record, partition, topicTriggers[topicPlace], now)
      }
    }
  }

  private mutating func route(_ record: EventRecord, _ partition: Int, _ wanted: [Int], _ now: Moment) {
    var event: Int32 = -1
    var key: Int32 = -1
    for trigger in wanted {
      if let filter = triggers[trigger].filter, !filter.matches(record.value) { continue }
      if event < 0 {
        event = hold(record, nil, partition, record)
        key = keyOf(record.key, partition)
      }
      enqueue(event, key, trigger, DispatchItem(event: event), now)
    }
    if event < 0 { noteDoneAtOnce(partition) }
  }

  /// An event of the internal topic goes to the one trigger that it names.
  private mutating func routeInternal(_ envelope: EventRecord, _ partition: Int, _ now: Moment) {
    var record = envelope
    var trigger: Int?
    var special = SpecialEvent(envelope: envelope)
    var item = DispatchItem()
    do throws(EventLogError) {
      switch try InternalEvent(json: envelope.value) {
      case .retry(let letter):
        // Each group of the application reads this topic.
        guard letter.group == options.group else { return noteDoneAtOnce(partition) }
        record = letter.event
        special = SpecialEvent(envelope: envelope, earlier: letter)
        trigger = triggers.firstIndex { $0.topic == letter.topic && $0.function == letter.function }
        item.isAgeless = true
      case .schedule(let schedule):
        record.key = Array(schedule.name.utf8)
        record.value = schedule.payload
        record.timestampMilliseconds = schedule.dueMilliseconds
        record.givenID = schedule.id
        special = SpecialEvent(envelope: envelope, schedule: schedule)
        trigger = triggers.firstIndex {
          $0.topic == InternalEvent.topic && $0.function == schedule.functionName
        }
      }
      if trigger == nil { item.message = "the application has no such trigger" }
    } catch {
      item.message = error.message
    }
    item.isFinal = trigger == nil
    item.event = hold(record, special, partition, envelope)
    enqueue(item.event, keyOf(envelope.key, partition), trigger ?? unknownTrigger, item, now)
  }

  private mutating func hold(
    _ record: EventRecord, _ special: SpecialEvent?, _ partition: Int, _ brought: EventRecord
  ) -> Int32 {
    var held = HeldEvent(record: record, special: special, partition: Int32(partition))
    held.byteCount = brought.key.count + brought.value.count + HeldEvent.overheadBytes
    let event = events.insert(held)
    events[event].place = partitions[partition].window.add(brought.offset, event: event)
    partitions[partition].eventCount += 1
    partitions[partition].eventBytes += held.byteCount
    eventCount += 1
    eventBytes += held.byteCount
    noteChange(partition)
    return event
  }

  private mutating func enqueue(
    _ event: Int32, _ key: Int32, _ trigger: Int, _ item: DispatchItem, _ now: Moment
  ) {
    events[event].itemCount += 1
    append(item, to: laneOf(key: key, trigger: trigger), now)
  }

  private mutating func keyOf(_ bytes: [UInt8], _ partition: Int) -> Int32 {
    let bytes = KeyBytes(bytes: bytes)
    if let key = partitions[partition].keys[bytes] { return key }
    let key = keys.insert(DispatchKey(bytes: bytes, partition: Int32(partition)))
    partitions[partition].keys[bytes] = key
    return key
  }

  /// No trigger wants the event.
  private mutating func noteDoneAtOnce(_ partition: Int) {
    doneSinceCommit += 1
    noteUncommitted(partition)
  }
}
