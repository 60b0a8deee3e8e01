// The way into the runtime for Swift programs. What is public in this target is in this folder.

import CSystem
import SpacerArtifact
import SpacerSystem

/// A built application, with the Swift functions that its Lua code may call.
///
/// ```swift
/// import SpacerRuntime
///
/// var app = try SpacerApplication(artifact: "app.spx")
/// app.function("greeting") { arguments in "Hello, \(arguments[0].stringValue ?? "you")!" }
/// try app.serve(port: 3000)
/// ```
///
/// In Lua, `require "host"` gives a table with the registered functions: `host.greeting("Ada")`. An artifact that
/// calls one that is not registered is refused when it is to be served.
///
/// A value: a copy can be changed and served by itself. Usable from any thread.
public struct SpacerApplication: Sendable {
  /// Where and how it is served.
  public var options = SpacerOptions()
  private let artifact: LoadedArtifact
  private var hostFunctions = HostRegistry()

  /// Reads and verifies the artifact that `spacer build` wrote. What happens to the file afterwards does not matter.
  /// - Throws: When there is no such file, or it is damaged or was built by another Spacer.
  public init(artifact path: String) throws(SpacerError) {
    do throws(LoadError) {
      artifact = try LoadedArtifact(path: path)
    } catch {
      throw SpacerError(error.message)
    }
  }

  /// The same with the artifact's bytes.
  public init(artifactBytes bytes: [UInt8]) throws(SpacerError) {
    do throws(LoadError) {
      artifact = try LoadedArtifact(bytes: bytes)
    } catch {
      throw SpacerError(error.message)
    }
  }

  /// The application's name, as its configuration has it.
  public var name: String { artifact.image.appName }

  // MARK: Host functions

  /// Where a host function runs.
  public enum Execution: Sendable {
    /// On a thread of its own, so that it may block: read a file, wait for another program. The call that wants it
    /// waits, and its worker serves others meanwhile. At most 64 threads of the process run such functions at a time;
    /// up to 10,000 calls wait for one.
    case thread
    /// On the worker's thread, where no other request is served until it returns: for what is done at once, such as
    /// a look into a dictionary. It costs the call no wait.
    case worker
  }

  /// Registers a function that Lua code calls as `host.NAME(…)`; an earlier one of the name is replaced.
  ///
  /// What it returns is what the call gives: `null` is `nil`. An error that it throws is raised in the calling code, as
  /// `app/hello.lua:3: host.NAME: ERROR`; see `HostError`.
  /// - Parameters:
  ///   - name: Letters, digits and `_`, as a Lua name. Another one is refused by `start`.
  ///   - execution: Where it runs.
  ///   - body: Called from several threads at once.
  public mutating func function(
    _ name: String, on execution: Execution = .thread,
    _ body: @escaping @Sendable (HostArguments) throws -> JSONValue
  ) {
    switch execution {
    case .thread: hostFunctions.add(HostFunction(name: name, body: .blocking(body)))
    case .worker: hostFunctions.add(HostFunction(name: name, body: .inline(body)))
    }
  }

  // Compiled into the program that calls it: what only serves artifacts does not carry the library of tasks.
  /// The same for an asynchronous function, which runs as a task. The task is cancelled when the call is given up: its
  /// client has gone, or its time is over.
  @_alwaysEmitIntoClient
  public mutating func function(
    _ name: String, _ body: @escaping @Sendable (HostArguments) async throws -> JSONValue
  ) {
    add(name) { arguments, reply in
      let task = Task.detached {
        do {
          reply(.success(try await body(arguments)))
        } catch {
          reply(.failure(error))
        }
      }
      return { task.cancel() }
    }
  }

  /// Registers a function that replies later, from any thread, and gives what ends it early.
  @usableFromInline
  mutating func add(
    _ name: String,
    _ start:
      @escaping @Sendable (
        HostArguments, @escaping @Sendable (Result<JSONValue, any Error>) -> Void
      ) -> @Sendable () -> Void
  ) {
    let body: @Sendable (HostArguments, HostReply) -> @Sendable () -> Void = { arguments, reply in
      start(arguments) { result in reply(HostOutcome { try result.get() }) }
    }
    hostFunctions.add(HostFunction(name: name, body: .asynchronous(body)))
  }

  // MARK: Serving

  /// Begins to serve and returns; the server goes on until it is stopped, by threads of its own.
  /// - Throws: When the port is in use, a setting of the application needs an environment variable that is not set,
  ///   the application calls a host function that is not registered, and the like: one sentence with the way out.
  public func start() throws(SpacerError) -> SpacerServer {
    var serving = try options.serveOptions()
    serving.hostFunctions = hostFunctions
    do throws(StartError) {
      let server = try Server(artifact, options: serving)
      return SpacerServer(server)
    } catch {
      throw SpacerError(error.message)
    }
  }

  /// Serves until the process is told to end, and returns when the requests in flight are answered.
  ///
  /// SIGINT and SIGTERM begin the end; a second one of them ends the process at once. From before the start until the
  /// return they belong to this call, in all threads; what they did before is put back then. A program that has
  /// handlers of its own uses `start` and `SpacerServer.stop`.
  /// - Parameters:
  ///   - host: An address to listen on, in place of that of `options`.
  ///   - port: The port, 0 for a free one, in place of that of `options`.
  ///   - ready: Called on this thread when it listens.
  /// - Throws: As `start`; and when another call of the process serves so already.
  public func serve(
    host: String? = nil, port: UInt16? = nil, ready: (SpacerServer) -> Void = { _ in }
  ) throws(SpacerError) {
    var application = self
    if let host { application.options.host = host }
    if let port { application.options.port = port }
    guard spacer_catch_end_signals() >= 0 else {
      throw SpacerError(
        "SIGINT and SIGTERM belong to another call of serve(): use start(), and stop() the server yourself")
    }
    defer { spacer_restore_end_signals() }
    let server = try application.start()
    // It may be stopped by another thread as well.
    Threads.start(name: "stopped") {
      server.wait()
      spacer_wake_end_signals()
    }
    ready(server)
    spacer_wait_for_end_signals()
    server.stop()
  }
}

/// Why an application is not served: one sentence for people that says what happened, where, and what to do.
public struct SpacerError: Error, CustomStringConvertible, Equatable, Sendable {
  /// The sentence.
  public let description: String

  init(_ description: String) { self.description = description }
}
