// What an artifact says about the topic that is replayed: the storage, and the triggers to run.

import SpacerArtifact
import SpacerEventLog

/// One artifact, resolved for one environment.
struct ReplayTarget {
  let artifact: LoadedArtifact
  let configuration: ServerConfiguration
  let events: EventConfiguration

  init(_ artifact: LoadedArtifact, environment: String?) throws(ReplayFailure) {
    var options = ServeOptions()
    options.environment = environment
    options.hasWriteProxy = false
    let configuration: ServerConfiguration
    do throws(SettingsError) {
      configuration = try ServerConfiguration(artifact, options: options)
    } catch {
      throw ReplayFailure(.missing, error.message)
    }
    guard let events = configuration.events else {
      throw ReplayFailure(
        .usage, "the application has no topics: list them under 'topics' in config/application.yml")
    }
    self.artifact = artifact
    self.configuration = configuration
    self.events = events
  }

  func requireTopic(_ topic: String) throws(ReplayFailure) {
    guard events.topic(named: topic) == nil else { return }
    let names = events.topics.map { "'\($0.definition.name)'" }.joined(separator: ", ")
    throw ReplayFailure(.usage, "the application has no topic '\(topic)', only \(names)")
  }

  func hasFunction(_ name: String) -> Bool {
    var name = name
    return name.withUTF8 { artifact.function(named: UnsafeRawBufferPointer($0)) } != nil
  }

  /// The triggers of a topic, as a replay runs them: however old an event is, and with no trigger that stops at one,
  /// since nobody would resume it.
  func triggers(of topic: String) -> [Trigger] {
    events.triggers.filter { $0.topic == topic }.map(Self.replayed)
  }

  private static func replayed(_ trigger: Trigger) -> Trigger {
    var trigger = trigger
    trigger.ageMillisecondsMax = nil
    if trigger.onExhausted == .pause { trigger.onExhausted = .deadLetter }
    return trigger
  }

  /// The trigger of a function, or what it would be if the function were one.
  func trigger(_ function: String, of topic: String) -> Trigger {
    triggers(of: topic).first { $0.function == function }
      ?? Trigger(
        topic: topic, function: function, attemptsMax: events.maxAttempts,
        timeoutMilliseconds: events.timeoutMilliseconds)
  }

  /// The triggers that are to be run: those of `functions`, or of the topic when there are none.
  func triggers(of topic: String, functions: [String]) throws(ReplayFailure) -> [Trigger] {
    guard !functions.isEmpty else {
      let found = triggers(of: topic)
      guard !found.isEmpty else {
        throw ReplayFailure(
          .usage, "no function is a trigger of '\(topic)': name those to run with --function")
      }
      return found
    }
    var found: [Trigger] = []
    for function in functions where !found.contains(where: { $0.function == function }) {
      guard hasFunction(function) else {
        throw ReplayFailure(.usage, "the application has no function '\(function)'")
      }
      found.append(trigger(function, of: topic))
    }
    return found
  }

  /// Connects to the storage; blocks.
  func open(address: RemoteAddress?, token: String?) throws(ReplayFailure) -> any EventStore {
    var options = EventLogConnection.Options(environment: configuration.environment)
    options.address = address
    options.token = token
    do throws(ConnectionError) {
      return try EventLogConnection(artifact, options).store
    } catch {
      throw ReplayFailure(.missing, error.message)
    }
  }

  /// What functions append with.
  func access(_ store: any EventStore) throws(ReplayFailure) -> EventAccess {
    do throws(StartError) {
      return EventAccess(
        store: store, events, transactionDatabase: try EventService.transactionDatabase(events))
    } catch {
      throw ReplayFailure(.missing, error.message)
    }
  }
}

extension ReplayWindow {
  /// The window between two places of a topic; what comes after the call is not in it.
  static func find(
    _ store: any EventStore, _ topic: String, from: ReadStart, to: ReadStart
  ) throws(EventLogError) -> ReplayWindow {
    let newest = try store.position(topic, .end)
    let start = try store.position(topic, from)
    var end = newest
    switch to {
    case .end: break
    case .beginning: end = start
    case .offset(let last):
      for partition in newest.next.keys { end.next[partition] = last < .max ? last + 1 : last }
    case .time: end = try store.position(topic, to)
    }
    return ReplayWindow(start: start, end: earlier(end, newest))
  }
}
