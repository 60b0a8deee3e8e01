// HTTPS: `tls` in application.yml. Contract section 6.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct TLSTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private static let functions = [
    "app/gateway.lua": """
    return {
      {"ANY", "/v", "v"}, {"ANY", "/echo", "echo"}, {"ANY", "/big", "big"}, {"ANY", "/digest", "text"},
      {"ANY", "/length", "length"}, {"ANY", "/scheme", "scheme"},
    }
    """,
    "app/v.lua": "return function () return 'v' end",
    "app/echo.lua": "return function (args) return args end",
    "app/text.lua": "return function (args) return args.text end",
    "app/big.lua": "return function (args) return ('x'):rep(tonumber(args.n)) end",
    "app/length.lua": "local request = require 'request' return function () return #request.body end",
    "app/scheme.lua": "local request = require 'request' return function () return request.scheme end",
  ]

  /// A project that names its files by environment variables, as they lie in a folder made for the test.
  private func project() throws -> String {
    var files = Self.functions
    files["config/application.yml"] =
      Workspace.minimalConfiguration + "tls: {certificate: \"${CERT}\", key: \"${KEY}\"}\n"
    return try workspace.project(files)
  }

  private func serve(
    _ files: (certificate: String, key: String), arguments: [String] = [], level: String = "info"
  ) throws -> RunningServer {
    try RunningServer.serving(
      try project(), in: workspace, arguments: arguments,
      environment: ["CERT": files.certificate, "KEY": files.key, "LOG_LEVEL": level])
  }

  private func curl(_ server: RunningServer, ca: String, _ arguments: [String]) throws -> String {
    let child = try ChildProcess(
      ["/usr/bin/curl", "-sS", "--cacert", ca] + arguments, environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    guard try child.waitForExit() == 0 else { throw HarnessError("curl: \(child.standardError)") }
    return child.standardOutput
  }

  // MARK: What is spoken

  @Test func versionsAndProtocols() throws {
    let files = try Certificates.make(in: workspace)
    let server = try serve(files, level: "debug")
    #expect(server.process.standardError.contains("listening on https://127.0.0.1:"))
    #expect(
      try Certificates.client("versions", server.port, ca: files.certificate) == [
        "TLSv1_1 tlsv1 alert protocol version", "TLSv1.2 200", "TLSv1.3 200",
      ])
    #expect(
      try Certificates.client("alpn", server.port, ca: files.certificate) == [
        "['http/1.1'] http/1.1", "['h2', 'http/1.1'] http/1.1", "['h2'] tlsv1 alert no application protocol",
        "None None",
      ])
    _ = try server.process.waitForOutput("the reason in the log") {
      $0.contains("TLS with 127.0.0.1 failed: no application protocol") ? true : nil
    }
  }

  @Test func curlAndTheFunctionSeeHTTPS() throws {
    let files = try Certificates.make(in: workspace)
    let server = try serve(files)
    let url = "https://localhost:\(server.port)/scheme"
    // The second request needs no second connection.
    let said = try curl(server, ca: files.certificate, ["-w", "%{num_connects}\n", url, url])
    #expect(said == "{\"data\":\"https\"}\n1\n{\"data\":\"https\"}\n0\n")
    let plain = try RunningServer.serving(
      try workspace.project(Self.functions, named: "plain"), in: workspace)
    #expect(try plain.get("/scheme").json == JSONValue(#"{"data":"http"}"#))
  }

  @Test func devServesHTTPSToo() throws {
    let files = try Certificates.make(in: workspace)
    let server = try RunningServer(
      ["dev", try project()], environment: ["CERT": files.certificate, "KEY": files.key])
    let said = try curl(server, ca: files.certificate, ["https://localhost:\(server.port)/scheme"])
    #expect(said == "{\"data\":\"https\"}\n")
  }

  @Test func sessionsResumeAcrossWorkers() throws {
    let files = try Certificates.make(in: workspace)
    let server = try serve(files, arguments: ["--workers", "4"])
    let child = try ChildProcess(
      [
        "/usr/bin/openssl", "s_client", "-connect", "localhost:\(server.port)", "-tls1_2", "-reconnect",
        "-CAfile", files.certificate,
      ], environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    try child.waitForExit()
    let lines = child.standardOutput.split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("New, TLSv1.2") }.count == 1)
    #expect(lines.filter { $0.hasPrefix("Reused, TLSv1.2") }.count == 5)
  }

  @Test func plainHTTPIsToldSo() throws {
    let server = try serve(try Certificates.make(in: workspace))
    let answer = try server.get("/v")
    #expect(answer.status == 400)
    #expect(answer.json == JSONValue(#"{"error":"plain HTTP on a port of HTTPS"}"#))
    #expect(answer.header("Connection") == "close")
  }

  // MARK: Bytes

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    let files = try Certificates.make(in: workspace)
    let server = try serve(files)
    #expect(try Certificates.client("pipelining", server.port, ca: files.certificate) == ["ok"])
  }

  @Test func largeBodiesGoBothWays() throws {
    let files = try Certificates.make(in: workspace)
    let server = try serve(files, arguments: ["--workers", "1"])
    let count = 10 << 20
    let up = try Certificates.client("upload", server.port, ca: files.certificate, [String(count)])
    #expect(up == ["200 \(count)"])
    let down = try Certificates.client("slow_reader", server.port, ca: files.certificate, [String(count)])
    #expect(down == ["ok"])
  }

  @Test func theEndIsAnnounced() throws {
    let files = try Certificates.make(in: workspace)
    let server = try serve(files)
    #expect(
      try Certificates.client("goodbye", server.port, ca: files.certificate) == [
        "the server says goodbye", "the server answers a goodbye",
        "requests before a goodbye are answered", "half a request is forgotten",
      ])
  }

  /// Fuzzers: the seed is in the failure's text.
  @Test(arguments: ["cuts", "damage", "garbage"]) func fuzzTheCiphertext(_ scenario: String) throws {
    let files = try Certificates.make(in: workspace)
    let server = try serve(files)
    let settings = ProcessInfo.processInfo.environment
    let seconds = settings["SPACER_FUZZ_SECONDS"].flatMap { Double($0) } ?? 2
    let end = Date(timeIntervalSinceNow: seconds)
    repeat {
      let seed = settings["SPACER_FUZZ_SEED"] ?? String(UInt32.random(in: 0...UInt32.max))
      let said = try Certificates.client(scenario, server.port, ca: files.certificate, [seed, "10"])
      #expect(said == [scenario == "garbage" ? "200" : "ok"], "seed \(seed)")
    } while Date() < end
    #expect(try server.stop() == 0)
  }

  // MARK: Its life

  @Test func aReloadChangesTheCertificateAndFailsNoRequest() throws {
    let files = try Certificates.make(in: workspace, serial: 1)
    // All trusted by the client from the start.
    var trusted = try String(contentsOfFile: files.certificate, encoding: .utf8)
    for serial in 2...4 {
      let next = try Certificates.make(
        in: workspace, serial: serial, names: ("cert\(serial).pem", "key\(serial).pem"))
      trusted += try String(contentsOfFile: next.certificate, encoding: .utf8)
    }
    try workspace.write(trusted, to: "ca.pem")
    let server = try serve(files)
    let client = try Certificates.startClient("load", server.port, ca: workspace.path + "/ca.pem", ["4"])
    defer { client.signal(SIGKILL) }
    for serial in 1...4 {
      if serial > 1 {
        for kind in ["cert", "key"] {
          let text = try String(contentsOfFile: workspace.path + "/\(kind)\(serial).pem", encoding: .utf8)
          try workspace.write(text, to: "\(kind).pem")
        }
        server.process.signal(SIGHUP)
      }
      _ = try client.waitForOutput("certificate \(serial)") { $0.contains("serial \(serial)\n") ? true : nil }
    }
    #expect(try client.waitForExit() == 0, "\(client.standardError)")
    #expect(client.standardOutput.hasSuffix("kept 200\n"))
    #expect(try server.stop() == 0)
  }

  @Test func aBadCertificateIsRefusedOnReload() throws {
    let files = try Certificates.make(in: workspace)
    let ca = workspace.path + "/ca.pem"
    try FileManager.default.copyItem(atPath: files.certificate, toPath: ca)
    let server = try serve(files)
    try workspace.write("no certificate", to: "cert.pem")
    server.process.signal(SIGHUP)
    _ = try server.process.waitForError("the reason") {
      $0.contains("cert.pem holds no certificate") && $0.contains("go on\n") ? true : nil
    }
    let url = "https://localhost:\(server.port)/v"
    #expect(try curl(server, ca: ca, [url]) == "{\"data\":\"v\"}\n")
  }

  @Test func whetherThereIsTLSIsSettledAtStart() throws {
    let files = try Certificates.make(in: workspace)
    let server = try RunningServer.serving(
      try workspace.project(Self.functions), in: workspace,
      environment: ["CERT": files.certificate, "KEY": files.key])
    _ = try workspace.build(try project())
    server.process.signal(SIGHUP)
    _ = try server.process.waitForError("the notice") {
      $0.contains("'tls' is new in the configuration: HTTPS begins with a restart\n") ? true : nil
    }
    #expect(try server.get("/scheme").json == JSONValue(#"{"data":"http"}"#))
    #expect(try server.stop() == 0)

    let secure = try serve(files)
    try workspace.write(Workspace.minimalConfiguration, to: "project/config/application.yml")
    _ = try workspace.build(workspace.path + "/project")
    secure.process.signal(SIGHUP)
    _ = try secure.process.waitForError("the notice") {
      $0.contains("'tls' is gone from the configuration: HTTPS goes on") ? true : nil
    }
    let url = "https://localhost:\(secure.port)/scheme"
    #expect(try curl(secure, ca: files.certificate, [url]) == "{\"data\":\"https\"}\n")
  }

  @Test func drainingAnswersWhatIsInFlight() throws {
    let files = try Certificates.make(in: workspace)
    let server = try serve(files)
    let said = try Certificates.client(
      "drain", server.port, ca: files.certificate, [String(server.process.identifier)])
    #expect(said == ["ok"])
    #expect(try server.process.waitForExit() == 0)
  }

  // MARK: What is refused at start

  private func refusal(
    _ certificate: String, _ key: String, environment: [String: String] = [:]
  ) throws -> String {
    let artifact = try workspace.build(try project())
    let outcome = try Tool.run(
      ["run", artifact, "--host", "127.0.0.1", "--port", "0"],
      environment: environment.merging(["CERT": certificate, "KEY": key]) { $1 })
    #expect(outcome.status == 3)
    return outcome.errors
  }

  @Test func filesThatCannotServeAreRefusedAtStart() throws {
    let files = try Certificates.make(in: workspace)
    let other = try Certificates.make(in: workspace, names: ("cert2.pem", "key2.pem"))
    let text = try String(contentsOfFile: files.certificate, encoding: .utf8)
    try workspace.write("hello\n", to: "hello.pem")
    try workspace.write(text.replacingOccurrences(of: "MII", with: "M!I"), to: "damaged.pem")
    try Certificates.openssl([
      "pkey", "-in", files.key, "-aes256", "-passout", "pass:x", "-out", workspace.path + "/locked.pem",
    ])
    let cases: [(certificate: String, key: String, says: String)] = [
      ("absent.pem", "key.pem", "cannot read tls.certificate, FOLDER/absent.pem: No such file or directory"),
      ("cert.pem", "absent.pem", "cannot read tls.key, FOLDER/absent.pem: No such file or directory"),
      ("project", "key.pem", "cannot read tls.certificate, FOLDER/project: it is no regular file"),
      ("hello.pem", "key.pem", "FOLDER/hello.pem holds no certificate"),
      ("damaged.pem", "key.pem", "the certificate FOLDER/damaged.pem is damaged (bad base64 decode)"),
      ("cert.pem", "hello.pem", "FOLDER/hello.pem holds no private key"),
      ("cert.pem", "key2.pem", "the key FOLDER/key2.pem does not belong to the certificate FOLDER/cert.pem"),
      ("cert.pem", "locked.pem", "the key FOLDER/locked.pem is encrypted with a password"),
    ]
    for item in cases {
      let said = try refusal(workspace.path + "/" + item.certificate, workspace.path + "/" + item.key)
      let expected = item.says.replacingOccurrences(of: "FOLDER", with: workspace.path)
      #expect(said.hasPrefix("spacer: " + expected), "\(said)")
      #expect(said.split(separator: "\n").count == 1)
    }
    #expect(try refusal("", other.key) == "spacer: tls.certificate is missing or empty\n")
  }

  @Test func aMissingLibraryIsNamedAndOnlyMissedWithTLS() throws {
    let files = try Certificates.make(in: workspace)
    // The linker looks here first and finds a file that is no library.
    try workspace.write("", to: "libraries/libssl.so.3")
    let environment = ["LD_LIBRARY_PATH": workspace.path + "/libraries"]
    let said = try refusal(files.certificate, files.key, environment: environment)
    #expect(said.hasPrefix("spacer: 'tls' needs OpenSSL 3: install the package libssl3 ("), "\(said)")
    let plain = try RunningServer.serving(
      try workspace.project(Self.functions, named: "plain"), in: workspace, environment: environment)
    #expect(try plain.get("/v").status == 200)
  }

  @Test func anExpiredCertificateIsServedWithAWarning() throws {
    let files = try Certificates.make(in: workspace)
    try Certificates.openssl([
      "x509", "-in", files.certificate, "-signkey", files.key, "-days", "-1", "-out",
      workspace.path + "/expired.pem",
    ])
    let server = try serve((workspace.path + "/expired.pem", files.key))
    _ = try server.process.waitForOutput("the warning") {
      $0.contains("warn: the certificate \(workspace.path)/expired.pem has expired: clients refuse it")
        ? true : nil
    }
    let said = try curl(server, ca: files.certificate, ["-k", "https://localhost:\(server.port)/v"])
    #expect(said == "{\"data\":\"v\"}\n")
  }
}
