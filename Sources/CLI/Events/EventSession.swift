import SpacerCompiler
import SpacerEventLog
import SpacerRuntime
import SpacerSystem

/// A command's open event log.
struct EventSession {
  let connection: EventLogConnection
  let artifact: LoadedArtifact

  init(_ connection: EventLogConnection, artifact: LoadedArtifact) {
    self.connection = connection
    self.artifact = artifact
  }

  var configuration: EventConfiguration { connection.configuration }
  var store: any EventStore { connection.store }
  var group: String { configuration.group }
  /// The application's topics, in byte order.
  var topicNames: [String] { configuration.topics.map(\.definition.name) }

  /// Ends the connection; appends that are on their way complete first.
  func close() { store.close() }

  /// Fails on a name that is no topic; the internal one is a topic where `allowsInternal` says so.
  func requireTopic(_ name: String, allowsInternal: Bool = false) throws(CommandFailure) {
    if topicNames.contains(name) || (allowsInternal && name == InternalEvent.topic) { return }
    let hint =
      NearestName.find(name, in: topicNames).map { "did you mean '\($0)'?" }
      ?? (topicNames.isEmpty
        ? "the application has none: list it under 'topics' in config/application.yml"
        : "there are \(topicNames.joined(separator: ", "))")
    throw CommandFailure(status: ExitStatus.usage, message: "there is no topic '\(name)'; \(hint)")
  }

  /// Does something at the storage, whose errors end the command.
  func perform<Value>(_ body: () throws(EventLogError) -> Value) throws(CommandFailure) -> Value {
    do throws(EventLogError) {
      return try body()
    } catch {
      throw failure(error)
    }
  }

  func failure(_ error: EventLogError) -> CommandFailure {
    switch error.code {
    case .tooLarge, .unknownTopic, .failed: CommandFailure(status: ExitStatus.usage, message: error.message)
    case .unavailable, .timedOut, .outcomeUnknown, .overloaded, .full, .fenced, .incompatible:
      .missing("\(connection.place): \(error.message)")
    }
  }

  /// Appends and waits for what comes of it.
  func append(_ request: AppendRequest) throws(EventLogError) -> AppendOutcome {
    let result = Monitor<Result<AppendOutcome, EventLogError>?>(nil)
    store.append(request) { outcome in
      result.withLock { $0 = outcome }
      result.signal()
    }
    // Whatever was handed in completes; the store's own time-outs bound it.
    guard let outcome = result.wait(milliseconds: nil, { $0 }) else {
      throw EventLogError(.outcomeUnknown, "the storage did not confirm: the events may be stored, or not")
    }
    return try outcome.get()
  }
}
