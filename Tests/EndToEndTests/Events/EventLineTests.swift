// One event on a line; lines of files; filters of dead letters.

import Foundation
import Glibc
import SpacerEventLog
import SpacerTestSupport
import Testing

@testable import spacer

@Suite struct EventLineTests {
  private func event(_ value: String, key: [UInt8] = Array("k".utf8)) -> EventRecord {
    EventRecord(
      topic: "orders", partition: 3, offset: 42, key: key, value: Array(value.utf8),
      timestampMilliseconds: 1_772_366_400_000)
  }

  @Test func forPeople() {
    #expect(
      EventLine.text(event(#"{"a":1}"#), width: nil) == #"2026-03-01T12:00:00.000Z  3:42  k  {"a":1}"#)
    // What comes from outside must not reach the terminal as a command.
    let hostile = EventLine.text(event("\"\u{7F}\n\u{9B}\"", key: Array("\u{1B}[2J".utf8)), width: nil)
    #expect(!hostile.unicodeScalars.contains { $0.properties.generalCategory == .control })
    #expect(EventLine.text(event("1", key: []), width: nil).contains("3:42  -  1"))
  }

  @Test(arguments: [
    ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("abcdef", 1, "…"), ("日本語", 6, "日本語"),
    ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("", 3, ""), ("e\u{301}fg", 2, "e\u{301}…"),
  ])
  func cutAtAWidth(text: String, width: Int, expected: String) {
    #expect(EventLine.cut(text, to: width) == expected)
  }

  @Test func forPrograms() throws {
    let line = EventLine.json(event("{\n \"a\": [1,\r\n2]}", key: [0xFF]))
    #expect(!line.contains(10))
    let json = try #require(JSONValue(line))
    #expect(json["keyHex"]?.string == "ff")
    #expect(json["id"]?.string == event("1").id)
    #expect(json["payload"]?["a"]?.items?.count == 2)
    #expect(JSONValue(EventLine.json(event("no JSON")))?["payloadHex"]?.string == "6e6f204a534f4e")
  }

  @Test func linesOfAFile() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let text = "one\n\n" + String(repeating: "x", count: 100_000) + "\nlast"
    let writer = ends[1]
    let thread = Thread {
      _ = Array(text.utf8).withUnsafeBytes { write(writer, $0.baseAddress, $0.count) }; close(writer)
    }
    thread.start()
    var input = LineInput(descriptor: ends[0], name: "a pipe", lineBytesMax: 200_000)
    var lengths: [Int] = []
    while let line = try input.next() { lengths.append(line.count) }
    #expect(lengths == [3, 0, 100_000, 4])
    close(ends[0])
  }

  @Test func linesAreEvents() throws {
    let entry = try EventAppender.entry(
      Array(#"{"payload": {"a": 1} , "key": 7, "id": "x", "more": 1}"#.utf8))
    #expect(entry == AppendEntry(key: Array("7".utf8), value: Array(#"{"a": 1}"#.utf8), id: "x"))
    for (line, part) in [
      ("x", "no JSON object"), (#"{"key":"a"}"#, "no payload"), (#"{"payload":1}"#, "no key"),
      (#"{"key":[],"payload":1}"#, "neither"), (#"{"key":"a","payload":1,"id":3}"#, "id"),
    ] {
      let failure = #expect(throws: CommandFailure.self) { try EventAppender.entry(Array(line.utf8)) }
      #expect(failure?.message?.contains(part) == true, "\(line)")
    }
  }

  @Test func filtersOfDeadLetters() {
    let letter = DeadLetter(
      group: "g", topic: "orders", function: "ship", event: event(#"{"city":"Ulm"}"#), reason: .final,
      message: "no stock", attempts: 1, firstFailureMilliseconds: 50, lastFailureMilliseconds: 100)
    let matching = [
      DeadLetterFilter(), .init(topic: "orders"), .init(function: "ship"), .init(reason: .final),
      .init(since: 100), .init(until: 101), .init(key: Array("k".utf8)), .init(contains: "Ulm"),
      .init(contains: "stock"), .init(contains: ""),
      .init(topic: "orders", function: "ship", since: 1, until: 200, contains: "city"),
    ]
    for filter in matching { #expect(filter.matches(letter), "\(filter)") }
    let others = [
      DeadLetterFilter(topic: "order"), .init(function: "Ship"), .init(reason: .age), .init(since: 101),
      .init(until: 100), .init(key: []), .init(contains: "Bonn"), .init(topic: "orders", contains: "Bonn"),
    ]
    for filter in others { #expect(!filter.matches(letter), "\(filter)") }
  }

  @Test func lagOfATopic() {
    let partitions = [(0, 5), (1, 0), (2, 9)].map { partition, lag in
      GroupPartitionStatus(
        topicPartition: TopicPartition(topic: "t", partition: Int32(partition)), done: 0, newest: 9,
        lag: Int64(lag), owner: partition == 1 ? nil : "m")
    }
    let sequence = GroupReport.lag(of: "t", partitions, isSequence: true)
    #expect(sequence.lag == 9 && sequence.laggingCount == 2 && sequence.owners == ["m"])
    #expect(GroupReport.lag(of: "t", partitions, isSequence: false).lag == 14)
  }
}
