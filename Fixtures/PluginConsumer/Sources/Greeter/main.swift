// Serves the application that the package is built with, with functions of its own. `Greeter 8080` chooses the port.

import Foundation
import SpacerRuntime

@Sendable func say(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

guard let artifact = Bundle.module.path(forResource: "app", ofType: "spx") else {
  fatalError("app.spx is a resource of this target: SpacerBuild makes it")
}
var app = try SpacerApplication(artifact: artifact)

// On a thread of its own: it may block.
app.function("greeting") { arguments in
  guard let name = arguments[0].stringValue else { throw HostError("whom shall I greet?") }
  return "Hello, \(name), from Swift!"
}

// On the worker's thread: it is done at once.
app.function("sum", on: .worker) { arguments in
  .double(arguments.values.reduce(0) { $0 + ($1.doubleValue ?? 0) })
}

// As a task: it waits without a thread, and is cancelled when the client goes away.
app.function("later") { arguments in
  defer { if Task.isCancelled { say("nobody waits any more") } }
  try await Task.sleep(for: .milliseconds(arguments["milliseconds"].intValue ?? 0))
  return arguments["value"]
}

let port = CommandLine.arguments.last.flatMap { UInt16($0) }
try app.serve(port: port) { server in
  say("listening on \(server.addresses.joined(separator: ", "))")
}
say("goodbye")
