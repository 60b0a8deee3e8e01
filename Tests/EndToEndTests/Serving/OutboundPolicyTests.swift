// Where outbound requests may go, whom they trust, and proxies.

import Foundation
import Glibc
import SpacerTestSupport
import Testing

@Suite struct OutboundPolicyTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func get(_ url: String, from server: RunningServer) throws -> JSONValue {
    let answer = try server.post("/t", json: #"{"fn":"get","url":"\#(url)","options":{"timeout":20}}"#)
    guard let value = answer.json?["data"] ?? answer.json?["error"] else {
      throw HarnessError("\(answer.status) \(answer.text)")
    }
    return value
  }

  // MARK: limits.outbound

  @Test func onlyPublicAddressesWhenToldSo() throws {
    let upstream = try Upstream { _ in Upstream.ok("secret") }
    let server = try OutboundProject.serve(in: workspace, limits: "outbound: public")
    for (host, address) in [
      ("127.0.0.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1"), ("0", "0.0.0.0"),
      ("10.0.0.1", "10.0.0.1"), ("169.254.169.254", "169.254.169.254"),
      ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"), ("[fe80::1]", "fe80::1"),
    ] {
      let text = try get("http://\(host):\(upstream.port)/", from: server).string ?? ""
      #expect(text.hasPrefix("http: GET "), "\(host): \(text)")
      #expect(text.hasSuffix(": \(address) is not a public address (limits.outbound)"), "\(host): \(text)")
    }
    let byName = try get("http://localhost:\(upstream.port)/", from: server).string ?? ""
    #expect(byName.hasPrefix("http: GET localhost:\(upstream.port): "))
    #expect(byName.hasSuffix(" is not a public address (limits.outbound)"))
    #expect(upstream.accepted == 0)
  }

  @Test func aReloadedPolicyHoldsForKeptConnectionsToo() throws {
    let upstream = try Upstream { _ in Upstream.ok("x") }
    let server = try OutboundProject.serve(in: workspace)
    #expect(try get(upstream.url, from: server)["body"]?.string == "x")
    var files = OutboundProject.files
    files["config/application.yml"] = Workspace.minimalConfiguration + "limits:\n  outbound: public\n"
    _ = try workspace.build(try workspace.project(files))
    server.process.signal(SIGHUP)
    try waitUntil("the policy is in force") {
      try get(upstream.url, from: server).string?.hasSuffix(
        ": 127.0.0.1 is not a public address (limits.outbound)") ?? false
    }
    #expect(upstream.accepted == 1)
  }

  @Test func aWrongPolicyIsRefused() throws {
    let project = try workspace.project([
      "app/gateway.lua": "return {}\n",
      "config/application.yml": Workspace.minimalConfiguration + "limits:\n  outbound: private\n",
    ])
    let outcome = try Tool.run(["check", project])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("limits.outbound") || outcome.output.contains("limits.outbound"))
  }

  // MARK: Proxies

  @Test func theUsualVariablesNameAProxy() throws {
    let proxy = try Upstream { _ in Upstream.ok("by proxy") }
    let direct = try Upstream { _ in Upstream.ok("direct") }
    let server = try OutboundProject.serve(
      in: workspace, limits: "outbound: public",
      environment: ["http_proxy": "127.0.0.1:\(proxy.port)", "NO_PROXY": "127.0.0.1"])
    // The proxy is the operator's choice; who asks it for a local address is a function.
    #expect(try get("http://service.example/path", from: server)["body"]?.string == "by proxy")
    #expect(proxy.requests.map(\.line) == ["GET http://service.example/path HTTP/1.1"])
    for host in ["10.0.0.1", "localhost", "[::1]"] {
      #expect(
        try get("http://\(host)/", from: server).string
          == "http: GET \(host): \(host) is not a public address (limits.outbound)")
    }
    #expect(proxy.requests.count == 1)
    // Past the proxy the policy holds.
    #expect(
      try get(direct.url, from: server).string?.hasSuffix(
        "127.0.0.1 is not a public address (limits.outbound)")
        == true)
    #expect(direct.accepted == 0)
  }

  @Test func exceptionsAreReachedDirectly() throws {
    let proxy = try Upstream { _ in Upstream.ok("by proxy") }
    let direct = try Upstream { _ in Upstream.ok("direct") }
    let server = try OutboundProject.serve(
      in: workspace, environment: ["http_proxy": "http://127.0.0.1:\(proxy.port)", "no_proxy": "127.0.0.0/8"])
    #expect(try get(direct.url, from: server)["body"]?.string == "direct")
    #expect(proxy.accepted == 0)
  }

  // MARK: TLS

  /// Runs a command of the system's to its end.
  private func run(_ command: [String]) throws {
    let child = try ChildProcess(["/usr/bin/env"] + command, environment: Tool.environment)
    defer { child.signal(SIGKILL) }
    guard try child.waitForExit() == 0 else { throw HarnessError("\(command[0]): \(child.standardError)") }
  }

  /// A port that is free now.
  private func freePort() throws -> UInt16 { try Upstream { _ in nil }.port }

  /// nginx with a certificate of its own for `localhost`, TLS and HTTP/2.
  private func startTLSServer() throws -> (process: ChildProcess, port: UInt16) {
    let folder = workspace.path
    try run([
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-days",
      "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
      "\(folder)/key.pem",
      "-out", "\(folder)/certificate.pem",
    ])
    let port = try freePort()
    try workspace.write(
      """
      daemon off; master_process off; pid \(folder)/nginx.pid; error_log stderr;
      events { worker_connections 64; }
      http {
        access_log off;
        client_body_temp_path \(folder)/a; proxy_temp_path \(folder)/b; fastcgi_temp_path \(folder)/c;
        uwsgi_temp_path \(folder)/d; scgi_temp_path \(folder)/e;
        server {
          listen 127.0.0.1:\(port) ssl http2;
          ssl_certificate \(folder)/certificate.pem;
          ssl_certificate_key \(folder)/key.pem;
          location / { return 200 "$server_protocol $connection"; }
        }
      }

      """, to: "nginx.conf")
    var environment = Tool.environment
    environment["PATH", default: ""] += ":/usr/sbin"
    let process = try ChildProcess(
      ["/usr/bin/env", "nginx", "-e", "stderr", "-c", "\(folder)/nginx.conf"], environment: environment)
    try waitUntil("nginx listens") { (try? HTTPConnection(port: port)) != nil }
    return (process, port)
  }

  @Test func certificatesAndHostsAreChecked() throws {
    let (nginx, port) = try startTLSServer()
    defer { nginx.signal(SIGKILL) }
    let strict = try OutboundProject.serve(in: workspace)
    #expect(
      try get("https://localhost:\(port)/", from: strict).string
        == "http: GET localhost:\(port): certificate not accepted: self-signed certificate")
    for variable in ["SSL_CERT_FILE", "CURL_CA_BUNDLE"] {
      let trusting = try OutboundProject.serve(
        in: workspace, environment: [variable: workspace.path + "/certificate.pem"])
      let answer = try get("https://localhost:\(port)/", from: trusting)
      #expect(answer["status"]?.number == 200)
      let first = answer["body"]?.string ?? ""
      #expect(first.hasPrefix("HTTP/2.0 "), "\(answer)")
      // The same connection again.
      #expect(try get("https://localhost:\(port)/", from: trusting)["body"]?.string == first)
      let wrongHost = try get("https://127.0.0.1:\(port)/", from: trusting).string ?? ""
      #expect(wrongHost.hasPrefix("http: GET 127.0.0.1:\(port): certificate not accepted: "), "\(wrongHost)")
    }
    let lost = try OutboundProject.serve(
      in: workspace, environment: ["SSL_CERT_FILE": workspace.path + "/none.pem"])
    let text = try get("https://localhost:\(port)/", from: lost).string ?? ""
    #expect(text.contains("cannot read the certificates to trust"), "\(text)")
  }

  @Test func whatSpeaksNoTLSIsSaid() throws {
    let server = try OutboundProject.serve(in: workspace)
    let text = try get("https://127.0.0.1:\(server.port)/", from: server).string ?? ""
    #expect(text == "http: GET 127.0.0.1:\(server.port): TLS handshake failed: wrong version number")
  }
}
