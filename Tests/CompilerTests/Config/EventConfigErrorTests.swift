// What is wrong with topics, triggers and schedules, as `line:column id message`.

import Testing

@testable import SpacerCompiler

struct EventConfigErrorTests {
  private func expect(_ yaml: String, _ expected: String, _ hint: String?) {
    let (config, diagnostics) = readConfig(minimal + yaml)
    #expect(summaries(minimal + yaml) == [expected])
    #expect(diagnostics.first?.hint == hint)
    #expect(config != nil)
  }

  @Test(arguments: [
    (
      "topics: [{a: {partitons: 8}}]", "3:15 config-unknown-key unknown key 'partitons' in 'topics.a'",
      "did you mean 'partitions'?"
    ),
    (
      "topics: [{a: {partitions: 0}}]", "3:27 config-value 'topics.a.partitions' must be from 1 to 1024", nil
    ),
    (
      "topics: {a: {partitions: 1025}}", "3:26 config-value 'topics.a.partitions' must be from 1 to 1024", nil
    ),
    (
      "topics: {a: {partitions: \"${N}\"}}",
      "3:26 config-value '${…}' is resolved only at start, but this is compiled into the artifact",
      "write the value itself; what differs between environments can be read with os.getenv"
    ),
    (
      "topics:\n  - a:\n    partitions: 8",
      "4:5 config-type an item of 'topics' is a name, or one name with its options",
      "indent the options deeper: 'a: {…}'"
    ),
    (
      "topics: {a: {retention: 30}}",
      "3:25 config-type 'topics.a.retention' must be a duration or 'forever', not '30'",
      "write the unit: '30s'"
    ),
    (
      "topics: {a: {retention: 30days}}",
      "3:25 config-type 'topics.a.retention' must be a duration or 'forever', not '30days'",
      "write a number with ms, s, m, h, d or y: '30s'"
    ),
    (
      "topics: {a: {retention: 1ms}}", "3:25 config-value 'topics.a.retention' must be from 1s to 100y", nil
    ),
    (
      "topics: {a: {retention: \"${R}\"}}",
      "3:25 config-value 'topics.a.retention' is needed to build, but '${…}' is resolved only at start",
      "write the duration itself"
    ),
    (
      "topics: {a: {key: requred}}", "3:19 config-value 'topics.a.key' cannot be 'requred'",
      "did you mean 'required'?"
    ),
    (
      "topics: [spacer_internal]",
      "3:10 topic-name 'spacer_internal' cannot be a name in 'topics': names beginning with 'spacer_' are "
        + "Spacer's own", nil
    ),
    (
      "topics: {Spacer_x: }",
      "3:10 topic-name 'Spacer_x' cannot be a name in 'topics': names beginning with 'spacer_' are "
        + "Spacer's own", nil
    ),
    (
      "topics: [a, {A: {partitions: 3}}]", "3:14 topic-name the topics 'a' and 'A' would share one table",
      "letter case does not tell topics apart: rename one"
    ),
  ])
  func topics(_ yaml: String, _ expected: String, _ hint: String?) { expect(yaml, expected, hint) }

  @Test(arguments: [
    ("strng", "3:22 unknown-type 'topics.a.schema.type' names no type: 'strng'", "did you mean 'string'?"),
    (
      "{id: integre}", "3:27 unknown-type 'topics.a.schema.fields.id' names no type: 'integre'",
      "did you mean 'integer'?"
    ),
    (
      "{id: {type: integer, mim: 0}}", "3:43 config-unknown-key the type 'integer' has no option 'mim'",
      "did you mean 'min'?"
    ),
    (
      "{type: object, id: integer}", "3:37 config-unknown-key the type 'object' has no option 'id'",
      "its options are default, description, enum, extra, fields, message, nullable, optional, type; fields "
        + "stand under 'fields'"
    ),
    (
      "{id: {min: 3}}", "3:27 config-value 'topics.a.schema.fields.id' names no type",
      "the types are any, array, boolean, integer, number, object, string; fields stand under 'fields'"
    ),
    (
      "{id: }", "3:27 config-type 'topics.a.schema.fields.id' must be a type or a description, not nothing",
      nil
    ),
    (
      "{id: {type: string, optional: yes}}",
      "3:52 config-type 'topics.a.schema.fields.id.optional' must be true or false, not text", nil
    ),
    (
      "{id: {type: string, min: -1}}",
      "3:47 config-type 'topics.a.schema.fields.id.min' must be a whole number from 0 on, not a number", nil
    ),
    (
      "{id: {type: string, min: 3, max: 2}}",
      "3:47 config-value 'topics.a.schema.fields.id' has a 'min' above its 'max'", nil
    ),
    (
      "{id: {type: string, format: emal}}",
      "3:50 config-value 'topics.a.schema.fields.id.format' cannot be 'emal'", "did you mean 'email'?"
    ),
    (
      "{id: {type: integer, default: x}}",
      "3:52 config-type 'topics.a.schema.fields.id.default' must be of the type 'integer', not text", nil
    ),
    (
      "{id: {enum: []}}",
      "3:34 config-type 'topics.a.schema.fields.id.enum' must be a list of texts, numbers or truth values",
      nil
    ),
    (
      "{id: {type: array, enum: [a]}}", "3:47 config-value 'enum' does not go with the type 'array'", nil
    ),
    ("[a]", "3:22 config-type 'topics.a.schema' must be a type or a description, not a list", nil),
  ])
  func schemas(_ schema: String, _ expected: String, _ hint: String?) {
    expect("topics: {a: {schema: \(schema)}}", expected, hint)
  }

  @Test(arguments: [
    (
      "{function: f, bacth: 3}", "5:30 config-unknown-key unknown key 'bacth' in 'events.a.APPEND.0'",
      "did you mean 'batch'?"
    ),
    (
      "{batch: 3}", "5:16 config-value 'events.a.APPEND.0.function' is missing",
      "write '{function: NAME, batch: 100}'"
    ),
    (
      "f: {batch: 3}", "5:16 config-unknown-key a function with options is named by 'function'",
      "write '{function: f, batch: 100}'"
    ),
    (
      "{function: f, batch: 10001}", "5:37 config-value 'events.a.APPEND.0.batch' must be from 1 to 10000",
      nil
    ),
    (
      "{function: f, batchWindow: 5s}", "5:43 config-value 'batchWindow' says nothing without 'batch'",
      "add 'batch: 100', or remove it"
    ),
    (
      "{function: f, onExhausted: deadletter}",
      "5:43 config-value 'events.a.APPEND.0.onExhausted' cannot be 'deadletter'", "did you mean 'deadLetter'?"
    ),
    (
      "{function: f, timeout: 3}",
      "5:39 config-type 'events.a.APPEND.0.timeout' must be a duration, not '3'", "write the unit: '3s'"
    ),
    (
      "{function: f, transaction: yes}",
      "5:43 config-type 'events.a.APPEND.0.transaction' must be true or false, not 'yes'", nil
    ),
    (
      "{function: f, transaction: true}",
      "5:43 transaction-storage no storage of 'logStorage' can make the trigger's work a transaction",
      "'transaction: true' needs 'driver: postgres' in an environment; without it events are handled at least "
        + "once"
    ),
    (
      "f, f", "5:19 duplicate-trigger the trigger 'f' is listed twice for 'a'",
      "an event runs each function once: keep one of the two"
    ),
    (
      "f, {function: f, batch: 2}", "5:30 duplicate-trigger the trigger 'f' is listed twice for 'a'",
      "an event runs each function once: keep one of the two"
    ),
    ("[f]", "5:16 config-type 'events.a.APPEND' must be a name, not a list", nil),
  ])
  func triggers(_ items: String, _ expected: String, _ hint: String?) {
    expect("topics: [a]\nevents:\n  a: {APPEND: [\(items)]}", expected, hint)
  }

  @Test func oneEventInTwoLetterCases() {
    expect(
      "topics: [a]\nevents:\n  a:\n    APPEND: [f]\n    append: [g]",
      "7:5 config-value 'events.a' has 'APPEND' twice", "write one list")
  }

  @Test(arguments: [
    ("{}", "5:38 malformed-filter 'events.a.APPEND.0.filter' has no conditions", nil),
    (
      "[a]", "5:38 config-type 'events.a.APPEND.0.filter' must be a mapping, not a list",
      "write 'FIELD: VALUE' or 'FIELD: {prefix: TEXT}'"
    ),
    ("{x: []}", "5:42 malformed-filter the filter of 'x' lists no value, so that no event would pass", nil),
    ("{x: {}}", "5:39 malformed-filter 'x' has no condition", nil),
    (
      "{x: }", "5:39 malformed-filter 'x' has no condition",
      "write a value, a list of values, '{prefix: TEXT}' or '{exists: true}'; null is '[null]'"
    ),
    ("{x: {prefx: a}}", "5:43 malformed-filter a filter has no condition 'prefx'", "did you mean 'prefix'?"),
    (
      "{x: {region: a}}", "5:43 malformed-filter a filter has no condition 'region'",
      "it knows equals, prefix and exists; a field within 'x' is 'x.region'"
    ),
    ("{x: {exists: 1}}", "5:51 malformed-filter 'exists' of 'x' must be true or false, not a number", nil),
    (
      "{x: {prefix: 5}}", "5:51 malformed-filter the prefix of 'x' must be text, not a number",
      "put it in quotes: \"5\""
    ),
    ("{x: {prefix: ''}}", "5:51 malformed-filter the prefix of 'x' must be text, not empty", nil),
    (
      "{x: [{y: 1}]}",
      "5:43 malformed-filter 'x' can equal text, a number, true, false or null, not a mapping", nil
    ),
    (
      "{x..y: 1}", "5:39 malformed-filter 'x..y' is no path into a payload",
      "write up to 16 names with '.' between them: customer.region"
    ),
    (
      "{x: '${A}'}",
      "5:42 config-value '${…}' is resolved only at start, but this is compiled into the artifact",
      "write the value itself; what differs between environments can be read with os.getenv"
    ),
  ])
  func filters(_ filter: String, _ expected: String, _ hint: String?) {
    expect("topics: [a]\nevents:\n  a: {APPEND: [{function: f, filter: \(filter)}]}", expected, hint)
  }

  @Test func aFilterHasABound() {
    let values = (0...1_000).map { String($0) }.joined(separator: ", ")
    expect(
      "topics: [a]\nevents:\n  a: {APPEND: [{function: f, filter: {x: [\(values)]}}]}",
      "5:42 malformed-filter 'x' has more than 1000 values", nil)
    let conditions = (0...64).map { "x\($0): 1" }.joined(separator: ", ")
    expect(
      "topics: [a]\nevents:\n  a: {APPEND: [{function: f, filter: {\(conditions)}}]}",
      "5:38 malformed-filter 'events.a.APPEND.0.filter' has more than 64 conditions", nil)
  }

  @Test(arguments: [
    (
      "n: {function: f}", "5:3 malformed-schedule the schedule 'n' says not when it is due",
      "add 'cron: \"0 3 * * *\"' or 'every: 30s'"
    ),
    (
      "n: {every: 5s}", "5:3 malformed-schedule the schedule 'n' does not say what to do",
      "add 'function: NAME', or 'topic: NAME' to append an event"
    ),
    (
      "n: {every: 5s, cron: '@daily', function: f}",
      "5:24 malformed-schedule the schedule 'n' has both 'cron' and 'every'", "keep one of the two"
    ),
    (
      "n: {every: 5s, function: f, topic: a}",
      "5:38 malformed-schedule the schedule 'n' has both 'function' and 'topic'", "write two schedules"
    ),
    (
      "n: {every: 5s, function: f, key: k}",
      "5:36 malformed-schedule 'key' says nothing about a schedule that runs a function",
      "it goes with 'topic'; what the function gets is 'payload'"
    ),
    (
      "n: {every: 5s, topic: aa}",
      "5:25 undeclared-topic the schedule 'n' names the topic 'aa', which 'topics' does not list",
      "did you mean 'a'?"
    ),
    (
      "n: {every: 500ms, function: f}", "5:14 config-value 'schedules.n.every' must be from 1s to 1y", nil
    ),
    (
      "n: {cron: '@every 5', function: f}",
      "5:13 malformed-schedule '@every' is followed by a duration from 1s to 1y", "write \"@every 30s\""
    ),
    (
      "n: {cron: '@dayly', function: f}", "5:14 malformed-schedule '@dayly' is no schedule",
      "did you mean '@daily'?"
    ),
    (
      "n: {cron: '0 3 * *', function: f}", "5:14 malformed-schedule a cron expression has five fields, not 4",
      "they are minute, hour, day of the month, month and day of the week: \"0 3 * * *\""
    ),
    (
      "n: {cron: '0 24 * * *', function: f}",
      "5:16 malformed-schedule the hour must be from 0 to 23, not 24", nil
    ),
    (
      "n: {cron: '0 0 30 FEB *', function: f}",
      "5:18 malformed-schedule the schedule never comes: no such month has such a day",
      "the months have 28 to 31 days, and February has 29 every four years"
    ),
    (
      "n: {every: 5s, timeZone: Europe/Berlin, function: f}",
      "5:28 malformed-schedule 'timeZone' says nothing about a schedule that comes at intervals",
      "remove it, or use 'cron'"
    ),
    (
      "n: {cron: '@daily', timeZone: +02:00, function: f}",
      "5:33 malformed-schedule '+02:00' is no name of a time zone",
      "write an IANA name such as 'Europe/Berlin', or 'UTC'"
    ),
    (
      "n: {cron: '@daily', timeZone: Europe/../Berlin, function: f}",
      "5:33 malformed-schedule 'Europe/../Berlin' is no name of a time zone",
      "write an IANA name such as 'Europe/Berlin', or 'UTC'"
    ),
    (
      "n: {cron: '@daily', missed: all, function: f}",
      "5:31 config-value 'schedules.n.missed' cannot be 'all'", "it is one of skip, once"
    ),
    (
      "n.x: {cron: '@daily', function: f}",
      "5:3 config-value 'n.x' cannot stand here: a schedule's name is letters, digits, '_' and '-', at most "
        + "100 bytes", nil
    ),
    (
      "n: f", "5:6 config-type 'schedules.n' must be a mapping, not text",
      "write 'schedules: {NAME: {cron: \"0 3 * * *\", function: NAME}}'"
    ),
  ])
  func schedules(_ schedule: String, _ expected: String, _ hint: String?) {
    expect("topics: [a]\nschedules:\n  \(schedule)", expected, hint)
  }

  @Test(arguments: [
    (
      "{backoff: 5m}", "3:21 config-value 'delivery.backoff' is above 'delivery.backoffMax'",
      "'backoffMax' is 60s: set it too"
    ),
    (
      "{backoff: 5s, backoffMax: 4s}", "3:21 config-value 'delivery.backoff' is above 'delivery.backoffMax'",
      "the first wait is the shortest"
    ),
    (
      "{timeout: 5}", "3:21 config-type 'delivery.timeout' must be a duration, not '5'",
      "write the unit: '5s'"
    ),
    ("{concurrency: 0}", "3:25 config-value 'delivery.concurrency' must be from 1 to 10000", nil),
  ])
  func delivery(_ delivery: String, _ expected: String, _ hint: String?) {
    expect("delivery: \(delivery)", expected, hint)
  }

  /// A payload of aliases of aliases does not grow without a bound.
  @Test func aPayloadHasABound() {
    let text = String(repeating: "x", count: 2_000)
    let items = Array(repeating: "*t", count: 40).joined(separator: ", ")
    expect(
      "consumerGroup: &t \(text)\nschedules:\n  n: {every: 5s, function: f, payload: [\(items)]}",
      "5:40 config-value 'schedules.n.payload' is longer than 64 KiB as JSON", nil)
  }
}
