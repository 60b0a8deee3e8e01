// One reader at one page: a folder, a shell whose folder and variables last from command to command, and servers
// that run in other terminals until the page ends or another one takes their port.

import Foundation
import Glibc
import SpacerTestSupport

final class PageSession {
  private let workspace: Workspace
  private let page: String
  private var servers: [(port: String, process: ChildProcess)] = []
  /// The pages' ports, and the free ones that stand for them.
  private var ports: [String: String] = [:]

  init(page: String) throws {
    self.page = page
    workspace = try Workspace()
    // curl shows a progress meter to what is no terminal.
    try workspace.write("silent\nshow-error\n", to: "home/.curlrc")
    try workspace.write("", to: "state/variables")
    try workspace.write(workspace.path + "/reader\n", to: "state/folder")
    try workspace.write("", to: "reader/.keep")
    try FileManager.default.removeItem(atPath: workspace.path + "/reader/.keep")
  }

  deinit { for server in servers { server.process.signal(SIGKILL) } }

  private var folder: String {
    get throws {
      try String(contentsOfFile: workspace.path + "/state/folder", encoding: .utf8)
        .trimmingCharacters(in: .newlines)
    }
  }

  /// Does one step of the page; throws what is not as the page says.
  func perform(_ step: MarkdownPage.Step) throws {
    do {
      switch step.action {
      case .file(let path, let text):
        let target = URL(fileURLWithPath: try folder + "/" + path)
        try FileManager.default.createDirectory(
          at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: target)
      case .command(let text, let expected, let exit):
        if Self.isEndless(text) {
          try startServer(text, expected)
        } else {
          try run(text, expected, exit: exit)
        }
      }
    } catch {
      throw HarnessError("\(page):\(step.line): \(error)")
    }
  }

  // MARK: Commands that end

  private func run(_ text: String, _ expected: [String], exit: Int32) throws {
    let command = try withFreePorts(text)
    // What only reads may be a moment ahead of the trigger or the reload that it waits for, as a reader is not.
    let mayRepeat =
      !expected.isEmpty
      && text.firstMatch(of: /^(?:curl (?!.*(?:-d|-X) )|spacer events (?:tail|count|lag))/) != nil
    let limit = Date(timeIntervalSinceNow: mayRepeat ? 10 : 0)
    while true {
      let child = try shell(
        """
        . "$SESSION/variables"; cd "$(cat "$SESSION/folder")" || exit 99
        exec 2>&1
        \(command)
        status=$?; pwd >"$SESSION/folder"; export -p >"$SESSION/variables"; exit $status
        """)
      defer { child.signal(SIGKILL) }
      let status = try child.waitForExit()
      let output = withPagePorts(child.standardOutput)
      let problem =
        status != exit
        ? "exit code \(status), not \(exit)"
        : ExpectedOutput(expected).complaint(about: output, isWhole: true)
      guard let problem else { return }
      if Date() > limit { throw HarnessError("$ \(text)\n\(problem); it printed:\n\(output)") }
    }
  }

  private func shell(_ script: String) throws -> ChildProcess {
    var environment = Tool.environment
    environment["SPACER_ENV"] = nil
    environment["HOME"] = workspace.path + "/home"
    environment["CHECKOUT"] = Tool.checkout
    environment["SESSION"] = workspace.path + "/state"
    environment["PATH"] = Tool.executables + ":" + (environment["PATH"] ?? "")
    environment["PROXY_PORT"] = try port(for: "9065")
    return try ChildProcess(["/bin/bash", "-c", script], environment: environment)
  }

  // MARK: Servers

  /// Whether a reader would leave it running and go on in another terminal.
  private static func isEndless(_ text: String) -> Bool {
    text.firstMatch(of: /^(?:spacer (?:dev|run)|\.\/[\w-]+)(?: |$)/) != nil && !text.contains("--help")
      || text.hasPrefix("python3 -c ") || text.contains("--follow") || text.contains("--watch")
  }

  private func startServer(_ text: String, _ expected: [String]) throws {
    var command = text
    var port = ""
    if text.firstMatch(of: /^(?:spacer (?:dev|run)|\.\/)/) != nil {
      port = text.firstMatch(of: /--port (\d+)/).map { String($0.1) } ?? "3000"
      command = text.replacing(#/ --port \d+/#, with: "")
      command += " --port \(try self.port(for: port))"
    }
    // The reader would have ended it with Ctrl-C.
    if !port.isEmpty {
      for server in servers where !server.port.isEmpty { try end(server.process) }
      servers.removeAll { !$0.port.isEmpty }
    }
    let process = try shell(
      """
      . "$SESSION/variables"; cd "$(cat "$SESSION/folder")" || exit 99
      exec \(try withFreePorts(command))
      """)
    servers.append((port, process))
    if !port.isEmpty {
      _ = try process.waitForError("it listens") { $0.contains("listening on http") ? true : nil }
    }
    let wanted = ExpectedOutput(expected)
    do {
      try waitUntil("it prints what the page shows") {
        wanted.complaint(about: withPagePorts(process.standardError + process.standardOutput), isWhole: false)
          == nil
      }
    } catch {
      throw HarnessError(
        "$ \(text)\n\(error); it printed:\n\(process.standardError)\(process.standardOutput)")
    }
  }

  private func end(_ process: ChildProcess) throws {
    process.signal(SIGTERM)
    _ = try process.waitForExit()
  }

  // MARK: Ports

  private func port(for page: String) throws -> String {
    if let port = ports[page] { return port }
    let port = String(try Self.freePort())
    ports[page] = port
    return port
  }

  private func withFreePorts(_ text: String) throws -> String {
    var text = text
    for match in text.matches(of: /(?:localhost|127\.0\.0\.1):(\d+)/).reversed() {
      text.replaceSubrange(
        match.1.startIndex..<match.1.endIndex, with: try port(for: String(match.1)))
    }
    return text
  }

  private func withPagePorts(_ text: String) -> String {
    var text = text
    for (page, port) in ports { text = text.replacingOccurrences(of: ":\(port)", with: ":\(page)") }
    return text
  }

  /// One that nothing listens on at the moment.
  static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw HarnessError("no socket") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
      }
    }
    guard code == 0 else { throw HarnessError("no free port") }
    return UInt16(bigEndian: address.sin_port)
  }
}
