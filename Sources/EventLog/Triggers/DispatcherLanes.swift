// Lanes and their items: made when events come, removed when nothing is left.

extension TriggerDispatcher {
  /// The lane of a key for a trigger.
  mutating func laneOf(key: Int32, trigger: Int) -> Int32 {
    var lane = keys[key].firstLane
    while lane >= 0 {
      if lanes[lane].trigger == Int32(trigger) { return lane }
      lane = lanes[lane].nextOfKey
    }
    var new = DispatchLane()
    new.key = key
    new.trigger = Int32(trigger)
    new.nextOfKey = keys[key].firstLane
    lane = lanes.insert(new)
    keys[key].firstLane = lane
    return lane
  }

  mutating func append(_ item: DispatchItem, to lane: Int32, _ now: Moment) {
    let place = items.insert(item)
    if lanes[lane].tail >= 0 {
      items[lanes[lane].tail].next = place
    } else {
      lanes[lane].head = place
    }
    lanes[lane].tail = place
    lanes[lane].count += 1
    switch lanes[lane].state {
    case .idle: makeReady(lane, now)
    case .ready: states[Int(lanes[lane].trigger)].readyItemCount += 1
    case .running, .waiting, .bundled, .storing: break
    }
  }

  /// Puts a lane that is in no queue and has items into its trigger's.
  mutating func makeReady(_ lane: Int32, _ now: Moment) {
    let trigger = Int(lanes[lane].trigger)
    lanes[lane].state = .ready
    lanes[lane].readySince = now.monotonicMilliseconds
    states[trigger].ready.append(lanes.name(of: lane))
    states[trigger].readyItemCount += Int(lanes[lane].count)
  }

  /// Takes the next ready lane out of a trigger's queue.
  mutating func takeReady(_ trigger: Int) -> Int32? {
    guard let lane = firstReady(trigger) else { return nil }
    states[trigger].ready.removeFirst()
    states[trigger].readyItemCount -= Int(lanes[lane].count)
    lanes[lane].state = .idle
    return lane
  }

  /// The next ready lane; removes names of such as are gone.
  mutating func firstReady(_ trigger: Int) -> Int32? {
    while let name = states[trigger].ready.first {
      if let lane = lanes.place(named: name), lanes[lane].state == .ready { return lane }
      states[trigger].ready.removeFirst()
    }
    return nil
  }

  /// Lets a lane wait for its time.
  mutating func wait(_ lane: Int32, milliseconds: Int, _ now: Moment) {
    lanes[lane].state = .waiting
    timers.add(.lane(lanes.name(of: lane)), at: now.monotonicMilliseconds + Int64(milliseconds))
  }

  /// Removes a lane with all its items.
  mutating func removeLane(_ lane: Int32) {
    let key = lanes[lane].key
    let trigger = Int(lanes[lane].trigger)
    if lanes[lane].state == .ready { states[trigger].readyItemCount -= Int(lanes[lane].count) }
    dropItems(of: lane, after: 0)
    let next = lanes[lane].nextOfKey
    if keys[key].firstLane == lane {
      keys[key].firstLane = next
    } else {
      var before = keys[key].firstLane
      while before >= 0, lanes[before].nextOfKey != lane { before = lanes[before].nextOfKey }
      if before >= 0 { lanes[before].nextOfKey = next }
    }
    lanes.remove(lane)
    guard keys[key].firstLane < 0 else { return }
    partitions[Int(keys[key].partition)].keys.removeValue(forKey: keys[key].bytes)
    keys.remove(key)
  }

  /// Drops the items of a lane that is in no queue, beyond the first `count`, undone.
  mutating func dropItems(of lane: Int32, after count: Int32) {
    guard lanes[lane].count > count else { return }
    var place = lanes[lane].head
    var last: Int32 = -1
    for _ in 0..<count {
      last = place
      place = items[place].next
    }
    if last >= 0 { items[last].next = -1 } else { lanes[lane].head = -1 }
    lanes[lane].tail = last
    lanes[lane].count = count
    while place >= 0 {
      let next = items[place].next
      let event = items[place].event
      events[event].isWhole = false
      items.remove(place)
      letGo(event)
      place = next
    }
  }

  /// The first item of a lane is done for its trigger.
  mutating func completeFirst(of lane: Int32) {
    let place = lanes[lane].head
    let event = items[place].event
    lanes[lane].head = items[place].next
    if lanes[lane].head < 0 { lanes[lane].tail = -1 }
    lanes[lane].count -= 1
    items.remove(place)
    letGo(event)
  }

  /// One item less refers to the event.
  private mutating func letGo(_ event: Int32) {
    events[event].itemCount -= 1
    guard events[event].itemCount == 0 else { return }
    let partition = Int(events[event].partition)
    let bytes = events[event].byteCount
    partitions[partition].eventCount -= 1
    partitions[partition].eventBytes -= bytes
    eventCount -= 1
    eventBytes -= bytes
    if events[event].isWhole {
      partitions[partition].window.finish(events[event].place)
      doneSinceCommit += 1
      noteUncommitted(partition)
    } else {
      partitions[partition].window.forget(events[event].place)
    }
    noteChange(partition)
    events.remove(event)
  }
}
