// The modules for tokens, identifiers and passwords as an application uses them.

import Foundation
import Testing

@Suite struct CryptoTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private static let files = [
    "app/gateway.lua": """
    return {
      {"POST", "/hash", "hash"}, {"POST", "/verify", "verify"}, {"GET", "/quick", "quick"},
      {"POST", "/token", "token"}, {"GET", "/leeway", "leeway"}, {"GET", "/uuid", "uuid_of"},
    }

    """,
    "app/hash.lua": """
    local crypto = require "crypto"
    return function (args) return crypto.hash_password(args.password) end

    """,
    "app/verify.lua": """
    local crypto = require "crypto"
    return function (args)
      local ok, why = crypto.verify_password(args.password, args.hash)
      return { ok = ok, why = why, needs_rehash = crypto.needs_rehash(args.hash) }
    end

    """,
    "app/quick.lua": "return function () return 'here' end\n",
    "app/uuid_of.lua": """
    local uuid = require "uuid"
    return function () return { random = uuid(), named = uuid.v5(uuid.DNS, "www.example.com") } end

    """,
    "app/token.lua": """
    local jwt = require "jwt"
    local key = ("k"):rep(32)
    return function (args)
      if args.token then
        local claims, failure = jwt.decode(args.token, key, { alg = "HS256", iss = "shop" })
        if not claims then return nil, failure, { status = 401 } end
        return claims.sub
      end
      local token = jwt.encode({ sub = "ada", iss = "shop", exp = os.time() + 60 }, key, "HS256")
      return token
    end

    """,
    "app/leeway.lua": """
    local validators, jwt = require "resty.jwt-validators", require "resty.jwt"
    validators.set_system_leeway(5)
    jwt:set_alg_whitelist { HS256 = 1, HS512 = 1 }
    local token = jwt:sign("k", { header = { alg = "HS512" }, payload = { exp = 1000 } })
    return function (args)
      if args.leeway then validators.set_system_leeway(tonumber(args.leeway)) end
      if args.alg then jwt:set_alg_whitelist { [args.alg] = 1 } end
      validators.set_system_clock(function () return 1010 end)
      local object = jwt:verify("k", token)
      return { verified = object.verified, reason = object.reason }
    end

    """,
  ]

  @Test func passwordsAreHashedBesideTheLoop() throws {
    let server = try RunningServer.serving(Self.files, in: workspace)
    let answer = try server.post("/hash", json: #"{"password":"correct horse"}"#)
    let hash = try #require(answer.json?["data"]?.string, "\(answer.text)")
    #expect(hash.hasPrefix("$scrypt$ln=15,r=8,p=3$"))
    func verify(_ password: String, _ hash: String) throws -> JSONValue? {
      try server.post("/verify", json: #"{"password":"\#(password)","hash":"\#(hash)"}"#).json?["data"]
    }
    #expect(try verify("correct horse", hash)?["ok"] == .boolean(true))
    #expect(try verify("correct horse", hash)?["needs_rehash"] == .boolean(false))
    #expect(try verify("Correct horse", hash)?["ok"] == .boolean(false))
    // RFC 7914's vector, from the text of another program.
    let foreign =
      "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw"
    #expect(try verify("pleaseletmein", foreign)?["ok"] == .boolean(true))
    #expect(try verify("pleaseletmein", foreign)?["needs_rehash"] == .boolean(true))
    let salt = String(repeating: "A", count: 22), bytes = String(repeating: "A", count: 43)
    let costly = try server.post(
      "/verify", json: #"{"password":"x","hash":"$scrypt$ln=30,r=8,p=1$\#(salt)$\#(bytes)"}"#)
    #expect(costly.status == 500)
    #expect(costly.text.contains("too much memory or time"))

    // One after the other they take seconds; the worker answers others meanwhile.
    var waiting = try (0..<8).map { _ in
      let connection = try HTTPConnection(port: server.port)
      let body = #"{"password":"x"}"#
      try connection.send(
        "POST /hash HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      )
      return connection
    }
    #expect(try server.get("/quick").text.contains("here"))
    // Some give up: their work is dropped, and the others' is done.
    waiting.removeFirst(4)
    let hashes = try waiting.map { try $0.response(to: "POST").json?["data"]?.string }
    #expect(Set(hashes).count == 4)
    #expect(hashes.allSatisfy { $0?.hasPrefix("$scrypt$") == true })
    #expect(try server.stop() == 0)
  }

  @Test func tokensOfAnApplication() throws {
    let server = try RunningServer.serving(Self.files, in: workspace)
    let token = try #require(try server.post("/token", json: "{}").json?["data"]?.string)
    #expect(try server.post("/token", json: #"{"token":"\#(token)"}"#).json == JSONValue(#"{"data":"ada"}"#))
    let forged = token.dropLast(4) + "AAAA"
    let refused = try server.post("/token", json: #"{"token":"\#(forged)"}"#)
    #expect(refused.status == 401)
    #expect(refused.json == JSONValue(#"{"error":"the token's signature is wrong"}"#))
    let identifiers = try server.get("/uuid").json?["data"]
    #expect(identifiers?["named"] == .string("2ed6657d-e927-568b-95e1-2665a8aea6a2"))
    #expect(identifiers?["random"]?.string?.count == 36)
  }

  /// What one request sets is that request's.
  @Test func settingsHoldForTheirScope() throws {
    let server = try RunningServer.serving(Self.files, in: workspace)
    func verified(_ query: String) throws -> JSONValue? {
      try server.get("/leeway\(query)").json?["data"]?["verified"]
    }
    for _ in 0..<2 {
      #expect(try verified("") == .boolean(false))
      #expect(try verified("?leeway=20") == .boolean(true))
      #expect(try verified("?leeway=20&alg=HS256") == .boolean(false))
      #expect(try verified("?leeway=20") == .boolean(true))
    }
  }

  @Test func withoutTheLibraryItIsNamed() throws {
    // The loader takes this in place of the system's, and finds that it is none.
    try workspace.write("", to: "empty/libcrypto.so.3")
    let server = try RunningServer.serving(
      Self.files, in: workspace, environment: ["LD_LIBRARY_PATH": workspace.path + "/empty"])
    let answer = try server.post("/token", json: "{}")
    #expect(answer.status == 500)
    #expect(answer.text.contains("libssl3"), "\(answer.text)")
    #expect(answer.text.contains("app/token.lua:9"), "\(answer.text)")
    #expect(try server.get("/quick").status == 200)
  }
}
