// What `spacer-serve` does: load, serve, obey signals. Signals are blocked in every thread and taken by the
// main one, which does nothing else.

import CSystem
import Glibc
import SpacerArtifact
import SpacerSystem

/// The whole run of `spacer-serve`.
package enum ServeCommand {
  /// Exit codes, as the contract names them.
  private enum Exit { static let done: Int32 = 0, usage: Int32 = 2, missing: Int32 = 3 }

  /// Serves until a signal ends it, and returns the exit code.
  package static func run(arguments: [String]) -> Int32 {
    let words = Array(arguments.dropFirst())
    let program = arguments.first ?? "spacer-serve"
    let standalone: String?
    do throws(LoadError) {
      standalone = try StandaloneExecutable.path(program: program)
    } catch {
      say(error.message)
      return Exit.missing
    }
    let usage = ServeOptions.usage(program: standalone == nil ? nil : program)
    if words.contains("--help") || words.contains("-h") {
      print(usage)
      return Exit.done
    }
    if words == ["--version"] { return printVersion(standalone) }
    let options: ServeOptions
    do throws(ServeOptions.UsageError) {
      options = try .parse(words, standalone: standalone)
    } catch {
      say("\(error.message)\n\(usage)")
      return Exit.usage
    }
    let signals = blockSignals()
    let server: Server
    do throws(LoadError) {
      let artifact = try load(options)
      do throws(StartError) {
        server = try Server(artifact, options: options)
      } catch {
        say(error.message)
        return Exit.missing
      }
    } catch {
      say(error.message)
      return Exit.missing
    }
    server.start()
    for address in server.addresses { say("listening on \(address)") }
    if let address = server.writeProxyAddress { say("write proxy on \(address)") }
    if let place = server.eventsPlace { say("events are kept in \(place)") }
    obey(signals, server, options)
    return Exit.done
  }

  /// The application, verified. The keys are read each time, as the certificate is.
  private static func load(_ options: ServeOptions) throws(LoadError) -> LoadedArtifact {
    let keys: RequiredKeys
    do throws(KeyError) {
      keys = try RequiredKeys(paths: options.requiredKeyPaths)
    } catch {
      throw LoadError(message: error.message)
    }
    return options.isStandalone
      ? try LoadedArtifact(standalone: options.artifactPath, keys: keys)
      : try LoadedArtifact(path: options.artifactPath, keys: keys)
  }

  private static func printVersion(_ standalone: String?) -> Int32 {
    guard let standalone else {
      print("spacer-serve \(SpacerRelease.current)")
      return Exit.done
    }
    do throws(LoadError) {
      let artifact = try LoadedArtifact(standalone: standalone, keys: .none)
      // The image's texts lie in the artifact's memory.
      defer { withExtendedLifetime(artifact) {} }
      let image = artifact.image
      print("\(image.appName), Spacer \(SpacerRelease.current), \(image.luaRelease)")
      return Exit.done
    } catch {
      say(error.message)
      return Exit.missing
    }
  }

  private static func blockSignals() -> sigset_t {
    signal(SIGPIPE, SIG_IGN)
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    return signals
  }

  /// Takes signals until the server has drained. A second one to end it ends it at once.
  private static func obey(_ signals: sigset_t, _ server: Server, _ options: ServeOptions) {
    var signals = signals
    while true {
      var number: Int32 = 0
      guard sigwait(&signals, &number) == 0 else { continue }
      guard number != SIGHUP else {
        reload(server, options)
        continue
      }
      server.drain()
      Threads.start(name: "impatience") {
        var again = sigset_t()
        sigemptyset(&again)
        sigaddset(&again, SIGTERM)
        sigaddset(&again, SIGINT)
        // The workers end what takes too long themselves; this is for one that cannot.
        var patience = timespec()
        patience.tv_sec = server.drainSeconds + 5
        let number = sigtimedwait(&again, nil, &patience)
        _exit(number > 0 ? 128 + number : 1)
      }
      server.wait()
      return
    }
  }

  private static func reload(_ server: Server, _ options: ServeOptions) {
    // What a descriptor names was made for this run, from two files that may have changed since.
    guard !options.artifactPath.hasPrefix("/proc/self/fd/") else {
      return say("started with --config: restart to take a new artifact or configuration")
    }
    let old = server.isSecure ? "the old artifact and certificate go on" : "the old artifact goes on"
    do throws(LoadError) {
      let artifact = try load(options)
      do throws(StartError) {
        let notices = try server.swap(artifact)
        say("serving the new artifact")
        if let notice = notices.tls { say(notice) }
        if let notice = notices.events { say(notice) }
      } catch {
        say("\(error.message); \(old)")
      }
    } catch {
      say("\(error.message); \(old)")
    }
  }

  private static func say(_ text: String) {
    var line = "spacer: \(text)\n"
    line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
