import ArgumentParser
import SpacerEventLog
import SpacerSystem

/// Which trigger `pause` and `resume` are about.
struct TriggerOptions: ParsableArguments {
  @Argument(help: "The trigger's function.", completion: ProjectCompletion.functions) var function: String
  @Option(help: "The topic, for a function with triggers of several (default: all of them).")
  var topic: String?
}

/// `spacer events pause`.
struct EventsPauseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Stop a trigger until it is resumed; its place is kept.",
    discussion: """
      Running servers of the group begin no more runs of the trigger within about a second; runs that have begun \
      are finished. Its events wait in the log. A topic's other triggers go on for a while: once very many events \
      wait for the paused one, they wait with it.
      """)

  @OptionGroup var trigger: TriggerOptions
  @OptionGroup var group: EventGroupOptions
  @OptionGroup var log: EventLogOptions

  func run() throws {
    try PauseChange(isPause: true).run(trigger, group, log)
  }
}

/// `spacer events resume`.
struct EventsResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Let a paused trigger go on where it stopped.",
    discussion: """
      Also for a trigger with onExhausted: pause that has stopped at an event: the event gets its attempts anew.
      """)

  @OptionGroup var trigger: TriggerOptions
  @OptionGroup var group: EventGroupOptions
  @OptionGroup var log: EventLogOptions

  func run() throws {
    try PauseChange(isPause: false).run(trigger, group, log)
  }
}

/// What both commands do.
private struct PauseChange {
  let isPause: Bool

  func run(_ wanted: TriggerOptions, _ group: EventGroupOptions, _ log: EventLogOptions) throws {
    let session = try log.open(group: group.group)
    defer { session.close() }
    let triggers = try Pauses.triggers(session, function: wanted.function, topic: wanted.topic)
    let pauses = try Pauses(session)
    var list: [JSONText] = []
    for trigger in triggers {
      let isPaused = pauses.whoPaused(topic: trigger.topic, function: trigger.function) != nil
      if isPause, !isPaused {
        try pauses.pause(
          topic: trigger.topic, function: trigger.function, now: SystemClock.machine.wallMilliseconds())
      } else if !isPause, isPaused {
        try pauses.resume(topic: trigger.topic, function: trigger.function)
      }
      list.append(
        .object([
          ("function", .string(trigger.function)), ("topic", .string(trigger.topic)),
          ("group", .string(session.group)), ("isPaused", .boolean(isPause)),
          ("hasChanged", .boolean(isPaused != isPause)),
        ]))
      if !log.json {
        Console.standardOutput.write(
          sentence(trigger, session.group, hasChanged: isPaused != isPause) + "\n")
      }
    }
    if log.json { Console.standardOutput.write(JSONText.array(list).text) }
  }

  private func sentence(_ trigger: Trigger, _ group: String, hasChanged: Bool) -> String {
    let name = "\(trigger.function) for '\(trigger.topic)' in the group \(group)"
    switch (isPause, hasChanged) {
    case (true, true): return "paused: \(name); running servers stop it within about a second"
    case (true, false): return "\(name) is paused already"
    case (false, true): return "resumed: \(name); running servers go on within about a second"
    case (false, false): return "\(name) is not paused"
    }
  }
}
