// How the values of the event log stand in the JSON of the control API.

extension AppendEntry {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.bytes("key", Array(key))
    writer.bytes("value", Array(value))
    if let id { writer.member("id", id) }
    writer.endObject()
  }

  init?(control bytes: [UInt8]) {
    guard let object = JSONObject(bytes), let key = object.bytes("key"), let value = object.bytes("value")
    else { return nil }
    self.init(key: key, value: value, id: object.string("id"))
  }
}

extension StoredRecord {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("key", key)
    writer.bytes("value", value)
    writer.endObject()
  }

  init?(control bytes: [UInt8]) {
    guard let object = JSONObject(bytes), let key = object.string("key"), let value = object.bytes("value")
    else { return nil }
    self.init(key: key, value: value)
  }
}

extension EventRecord {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("partition", Int64(partition))
    writer.member("offset", offset)
    writer.bytes("key", key)
    writer.bytes("value", value)
    writer.member("timestamp", timestampMilliseconds)
    if let givenID { writer.member("id", givenID) }
    if let trace { writer.member("trace", trace) }
    writer.endObject()
  }

  init?(control bytes: [UInt8], topic: String) {
    guard let object = JSONObject(bytes),
      let partition = object.integer("partition").flatMap({ Int32(exactly: $0) }),
      let offset = object.integer("offset"), let key = object.bytes("key"),
      let value = object.bytes("value"), let timestamp = object.integer("timestamp")
    else { return nil }
    self.init(
      topic: topic, partition: partition, offset: offset, key: key, value: value,
      timestampMilliseconds: timestamp, givenID: object.string("id"), trace: object.string("trace"))
  }
}

extension GroupPartitionStatus {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("topic", topicPartition.topic)
    writer.member("partition", Int64(topicPartition.partition))
    writer.member("done", done)
    writer.member("newest", newest)
    writer.member("lag", lag)
    if let owner { writer.member("owner", owner) }
    writer.endObject()
  }

  init?(control bytes: [UInt8]) {
    guard let object = JSONObject(bytes), let topic = object.string("topic"),
      let partition = object.integer("partition").flatMap({ Int32(exactly: $0) }),
      let done = object.integer("done"), let newest = object.integer("newest"),
      let lag = object.integer("lag")
    else { return nil }
    self.init(
      topicPartition: TopicPartition(topic: topic, partition: partition), done: done, newest: newest,
      lag: lag, owner: object.string("owner"))
  }
}

// MARK: Parts

extension JSONWriter {
  /// A member with bytes: their text, or digits under a name of their own where they are no UTF-8.
  mutating func bytes(_ name: String, _ value: [UInt8]) {
    if let text = String(validating: value, as: UTF8.self) {
      member(name, text)
    } else {
      member(name + "Hex", Hex.text(value))
    }
  }

  /// An array, whose elements `write` writes.
  mutating func list<Element>(_ elements: [Element], _ write: (Element, inout JSONWriter) -> Void) {
    beginArray()
    for element in elements {
      self.element()
      write(element, &self)
    }
    endArray()
  }
}

extension JSONObject {
  /// What `JSONWriter.bytes` wrote.
  func bytes(_ name: String) -> [UInt8]? {
    string(name).map { Array($0.utf8) } ?? string(name + "Hex").flatMap { Hex.bytes($0) }
  }

  /// A whole number from 0 on that fits an `Int`.
  func count(_ name: String) -> Int? {
    integer(name).flatMap { Int(exactly: $0) }.flatMap { $0 >= 0 ? $0 : nil }
  }

  func flag(_ name: String) -> Bool? {
    switch raw(name) {
    case Array("true".utf8): true
    case Array("false".utf8): false
    default: nil
    }
  }

  /// An array's elements; nil when it is none, or `read` refuses one.
  func list<Element>(_ name: String, _ read: ([UInt8]) -> Element?) -> [Element]? {
    guard let items = raw(name).flatMap({ JSONArray.elements($0) }) else { return nil }
    var result: [Element] = []
    result.reserveCapacity(items.count)
    for item in items {
      guard let element = read(item) else { return nil }
      result.append(element)
    }
    return result
  }

  /// A string that stands by itself; nil for what is none.
  static func text(_ json: [UInt8]) -> String? {
    var scanner = JSONScanner(json)
    guard let place = scanner.skipString(), scanner.isAtEnd() else { return nil }
    return String(decoding: scanner.text(place), as: UTF8.self)
  }
}
