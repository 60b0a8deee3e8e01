// The keys of config/application.yml about events: topics, triggers, how they are delivered, schedules.

/// Part of `ConfigSchema`'s table.
enum ConfigEventKeys {
  /// Where the options of a trigger stand: below an item of the list.
  static let triggerPath = "events.*.APPEND.*"

  private static let attempts: ClosedRange<Int64> = 1...1_000_000
  private static let century: ClosedRange<Int64> = 1_000...3_153_600_000_000

  static let all = topics + triggers + delivery + schedules

  private static let topics: [ConfigKey] = [
    ConfigKey(
      path: "topics", kind: .topics, defaultText: "none",
      summary:
        "The topics that functions append to: `[A-Za-z][A-Za-z0-9_]*`, at most 57 bytes, different also "
        + "without regard to letter case, not beginning with `spacer_`. A list of names, of which any can have "
        + "options (`payments: {partitions: 8}`), or a mapping. Without topics and schedules no storage is "
        + "connected."),
    ConfigKey(path: "topics.*", kind: .section, defaultText: "none", summary: "The options of one topic."),
    ConfigKey(
      path: "topics.*.partitions", kind: .integer(1...1_024), defaultText: "16",
      summary: "Into how many partitions keys are spread: the most instances that can share the work."),
    ConfigKey(
      path: "topics.*.retention", kind: .duration(century, orForever: true), defaultText: "`forever`",
      summary: "How long an event is kept at least."),
    ConfigKey(
      path: "topics.*.key", kind: .choice(["required", "optional"]), defaultText: "`optional`",
      summary: "`required`: an append with an empty key raises."),
    ConfigKey(
      path: "topics.*.schema", kind: .schema, defaultText: "none",
      summary: "What a payload has to be; an append of anything else raises. See below."),
  ]

  private static let triggers: [ConfigKey] = [
    ConfigKey(
      path: "events", kind: .map(.topic), defaultText: "none",
      summary: "Triggers, by topic. Each topic must be listed under `topics`."),
    ConfigKey(
      path: "events.*", kind: .section, defaultText: "none", summary: "The triggers of one topic, by event."),
    ConfigKey(
      path: "events.*.APPEND", kind: .triggers, defaultText: "none",
      summary: "The functions that run for each appended event: names, or mappings with options."),
    ConfigKey(
      path: triggerPath, kind: .section, defaultText: "none", summary: "One function with its options."),
    ConfigKey(
      path: "\(triggerPath).function", kind: .name(.function), defaultText: "—",
      summary: "The function's name. Required.", isRequired: true),
    ConfigKey(
      path: "\(triggerPath).batch", kind: .integer(1...10_000), defaultText: "none",
      summary: "The function gets an array of up to so many events."),
    ConfigKey(
      path: "\(triggerPath).batchWindow", kind: .duration(1...3_600_000), defaultText: "none",
      summary: "How long an event waits for others to fill its batch. Without it a batch is what is there."),
    ConfigKey(
      path: "\(triggerPath).filter", kind: .filter, defaultText: "none",
      summary: "Conditions on the payload; events that do not meet them all are passed over. See below."),
    ConfigKey(
      path: "\(triggerPath).concurrency", kind: .integer(1...10_000), defaultText: "`delivery.concurrency`",
      summary: "How many keys, or batches, are handled at the same time by one process."),
    ConfigKey(
      path: "\(triggerPath).maxAttempts", kind: .integer(attempts), defaultText: "`delivery.maxAttempts`",
      summary: "Attempts before the event is exhausted."),
    ConfigKey(
      path: "\(triggerPath).maxAge", kind: .duration(century), defaultText: "none",
      summary: "The age at which an event is exhausted, however few its attempts."),
    ConfigKey(
      path: "\(triggerPath).onExhausted", kind: .choice(["deadLetter", "pause", "drop"]),
      defaultText: "`deadLetter`",
      summary:
        "What becomes of an exhausted event: it is put into the dead letters, the trigger pauses before it, or "
        + "it is dropped."),
    ConfigKey(
      path: "\(triggerPath).timeout", kind: .duration(1...86_400_000), defaultText: "`delivery.timeout`",
      summary: "Time of one attempt, waiting included."),
    ConfigKey(
      path: "\(triggerPath).transaction", kind: .flag, defaultText: "false",
      summary:
        "The function's queries, its appends and the group's progress are one transaction of PostgreSQL: "
        + "exactly once. Needs the driver `postgres`."),
  ]

  private static let delivery: [ConfigKey] = [
    ConfigKey(
      path: "consumerGroup", kind: .text, defaultText: "`spacer-$appName`",
      summary: "The consumer group of the triggers; `$appName` is replaced by the application's name."),
    ConfigKey(
      path: "delivery", kind: .section, defaultText: "—", summary: "How triggers are run and retried."),
    ConfigKey(
      path: "delivery.maxAttempts", kind: .integer(attempts), defaultText: "10",
      summary: "Attempts to handle an event before it goes to the dead letters."),
    ConfigKey(
      path: "delivery.backoff", kind: .duration(1...86_400_000), defaultText: "`1s`",
      summary: "The longest wait before the second attempt; it doubles with each further one."),
    ConfigKey(
      path: "delivery.backoffMax", kind: .duration(1...86_400_000), defaultText: "`60s`",
      summary: "The longest wait before any attempt."),
    ConfigKey(
      path: "delivery.concurrency", kind: .integer(1...10_000), defaultText: "64",
      summary: "How many keys of one trigger are handled at the same time by one process."),
    ConfigKey(
      path: "delivery.timeout", kind: .duration(1...86_400_000), defaultText: "`limits.wallMilliseconds`",
      summary: "Time of one attempt, waiting included."),
  ]

  private static let schedules: [ConfigKey] = [
    ConfigKey(
      path: "schedules", kind: .map(.schedule), defaultText: "none",
      summary: "What is to be done at certain times, by name, once for all instances of the consumer group."),
    ConfigKey(path: "schedules.*", kind: .section, defaultText: "none", summary: "One schedule."),
    ConfigKey(
      path: "schedules.*.cron", kind: .cron, defaultText: "—",
      summary: "When: five fields, or `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, "
        + "`@every 30s`. See below."),
    ConfigKey(
      path: "schedules.*.every", kind: .duration(1_000...31_536_000_000), defaultText: "—",
      summary: "In place of `cron`: at the multiples of this time since 1970, at least `1s`."),
    ConfigKey(
      path: "schedules.*.timeZone", kind: .timeZone, defaultText: "`UTC`",
      summary: "The IANA name of the zone in which `cron` is read, such as `Europe/Berlin`."),
    ConfigKey(
      path: "schedules.*.missed", kind: .choice(["skip", "once"]), defaultText: "`skip`",
      summary: "Times that passed while nothing served: left out, or the newest of them is made up for."),
    ConfigKey(
      path: "schedules.*.function", kind: .name(.function), defaultText: "—", summary: "The function to run."),
    ConfigKey(
      path: "schedules.*.topic", kind: .name(.topic), defaultText: "—",
      summary: "In place of `function`: the topic to append to."),
    ConfigKey(
      path: "schedules.*.key", kind: .text, defaultText: "the schedule's name",
      summary: "With `topic`: the event's key."),
    ConfigKey(
      path: "schedules.*.payload", kind: .json, defaultText: "`{}`",
      summary: "What the function gets, or the event's payload; becomes JSON."),
  ]
}
