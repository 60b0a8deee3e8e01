// `jwt` against published vectors, and against what attackers send.

import Foundation
import Testing

@testable import SpacerRuntime

@Suite struct JWTModuleTests {
  /// RFC 7515, appendix A.1 to A.3.
  @Test func publishedTokens() throws {
    try ModuleHost.check(
      """
      local jwt, crypto = require "jwt", require "crypto"
      eq(require "resty.jwt", jwt)
      local payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
      local secret = crypto.base64url_decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
      local rsa = [[
      \(Self.publishedRSAKey)]]
      local ec = [[
      \(Self.publishedECKey)]]
      local tokens = {
        HS256 = { secret, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." .. payload
          .. ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" },
        RS256 = { rsa, "eyJhbGciOiJSUzI1NiJ9." .. payload
          .. ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
          .. "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L0"
          .. "7Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipU"
          .. "TI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw" },
        ES256 = { ec, "eyJhbGciOiJFUzI1NiJ9." .. payload
          .. ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q" },
      }
      for alg, pair in pairs(tokens) do
        local claims, failure = jwt.decode(pair[2], pair[1], { alg = alg, now = 1300819379, iss = "joe" })
        eq(failure, nil, alg)
        eq(claims.iss, "joe")
        eq(claims["http://example.com/is_root"], true)
        eq(select(2, jwt.decode(pair[2], pair[1], { alg = alg })), "the token has expired")
        local object = jwt:verify(pair[1], pair[2], { exp = function(exp) return exp == 1300819380 end })
        eq(object.verified, true, object.reason)
        local old = jwt:verify(pair[1], pair[2])
        eq(old.verified, false)
        eq(old.valid, true)
        assert(old.reason:find("expired at Tue, 22 Mar 2011 18:43:00 GMT", 1, true), old.reason)
        -- Each bit of the signature counts.
        local last = pair[2]:sub(-1)
        for _, other in ipairs { "A", "Q", "g", "w", "0" } do
          if other ~= last then eq(jwt.decode(pair[2]:sub(1, -2) .. other, pair[1], { alg = alg, now = 0 }), nil) end
        end
      end
      """)
  }

  /// RFC 8037, appendix A.4 and A.5: the payload of this one is no JSON.
  @Test func publishedEdwardsSignature() throws {
    let privateKey = Array(
      """
      -----BEGIN PRIVATE KEY-----
      MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
      -----END PRIVATE KEY-----

      """.utf8)
    let input = Array("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".utf8)
    let signature = try privateKey.withUnsafeBytes { text in
      let key = try #require(CryptoKey(text, holds: .privateKey, password: nil))
      #expect(key.kind == .ed25519)
      return try #require(input.withUnsafeBytes { key.sign($0, .pure, nil) })
    }
    var text = OutputBuffer()
    signature.withUnsafeBytes { TextCode.base64URL.encode($0, to: &text) }
    #expect(
      String(decoding: text.bytes, as: UTF8.self)
        == "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
  }

  static let publishedRSAKey = """
    -----BEGIN RSA PUBLIC KEY-----
    MIIBCgKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0l8W2
    6mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMs
    D1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5
    z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxv
    b3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8q2et
    hFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQAB
    -----END RSA PUBLIC KEY-----

    """

  static let publishedECKey = """
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
    6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
    -----END PUBLIC KEY-----

    """

  /// Lua text that makes the key pairs of all kinds known as `keys[kind].private` and `.public`.
  static func keyTable(_ folder: KeyFolder) throws -> String {
    var text = "local keys = {}\n"
    for kind in ["rsa", "P-256", "P-384", "P-521", "ed25519", "ed448"] {
      let pair = try folder.pair(kind)
      text += "keys['\(kind)'] = { private = [[\n\(pair.privateKey)]], public = [[\n\(pair.publicKey)]] }\n"
    }
    return text + """
      keys.secret = { private = ("s"):rep(64), public = ("s"):rep(64) }
      local kinds = {
        HS256 = "secret", HS384 = "secret", HS512 = "secret", RS256 = "rsa", RS384 = "rsa", RS512 = "rsa",
        PS256 = "rsa", PS384 = "rsa", PS512 = "rsa", ES256 = "P-256", ES384 = "P-384", ES512 = "P-521",
        EdDSA = "ed25519",
      }

      """
  }

  @Test func everyAlgorithmWithEveryKey() throws {
    let folder = try KeyFolder()
    try ModuleHost.check(
      try Self.keyTable(folder)
        + """
        local jwt = require "jwt"
        for alg, kind in pairs(kinds) do
          local token = jwt.encode({ sub = "me" }, keys[kind].private, alg, { kid = "1" })
          local old = jwt:sign(keys[kind].private, { header = { typ = "JWT", alg = alg }, payload = { sub = "me" } })
          for other_kind, pair in pairs(keys) do
            for other in pairs(kinds) do
              local ok, claims, failure = pcall(jwt.decode, token, pair.public, { alg = other })
              if other == alg and other_kind == kind then
                eq(claims and claims.sub, "me", alg .. ": " .. tostring(failure))
              else
                assert(not ok or claims == nil, "%s of %s taken by %s with %s" % {})
              end
            end
            local object = jwt:verify(pair.public, old)
            local fits = other_kind == kind
            eq(object.verified, fits, alg .. " by " .. other_kind .. ": " .. object.reason)
            eq(object.payload.sub, "me")
          end
        end
        local token = jwt.encode({}, keys.ed448.private, "EdDSA")
        assert(jwt.decode(token, keys.ed448.public, { alg = { "RS256", "EdDSA" } }))
        assert(not jwt.decode(token, keys.ed25519.public, { alg = "EdDSA" }))
        eq(token:match("^[^.]+"), require("crypto").base64url_encode('{"typ":"JWT","alg":"EdDSA"}'))
        """.replacing(
          #""%s of %s taken by %s with %s" % {}"#, with: #"alg .. " as " .. other .. " by " .. other_kind"#))
  }

  @Test func theTokenDoesNotChooseItsAlgorithm() throws {
    let folder = try KeyFolder()
    try ModuleHost.check(
      try Self.keyTable(folder) + """
        local jwt, crypto, cjson = require "jwt", require "crypto", require "cjson"
        local function forge(header, payload, sign)
          local input = crypto.base64url_encode(cjson.encode(header)) .. "." .. crypto.base64url_encode(cjson.encode(payload))
          return input .. "." .. (sign and crypto.base64url_encode(sign(input)) or "")
        end
        local function refused(token, key, options, part)
          local claims, failure = jwt.decode(token, key, options)
          eq(claims, nil)
          assert(failure:find(part, 1, true), failure)
          local object = jwt:verify(key, token)
          eq(object.verified, false, "the old interface")
          return object.reason
        end

        -- An HS256 token whose secret is the public key's text, with and without its last line end.
        for _, key in ipairs { keys.rsa.public, keys["P-256"].public, keys.ed25519.public } do
          for _, text in ipairs { key, (key:gsub("%s+$", "")) } do
            local token = forge({ alg = "HS256" }, { sub = "admin" }, function(input)
              return crypto.hmac("sha256", text, input, "raw")
            end)
            fails("no algorithm of the option alg works with", jwt.decode, token, text, { alg = "HS256" })
            eq(jwt:verify(text, token).reason:match("^key type mismatch: HS256") ~= nil, true)
            local kinds_of = { alg = { "RS256", "ES256", "EdDSA", "HS256" } }
            assert(refused(token, text, kinds_of, "does not fit the key"):find("key type mismatch", 1, true))
          end
        end
        -- The same with the key in DER, which is no PEM text: nobody's secret.
        local der = crypto.base64_decode((keys.rsa.public:gsub("%-%-[^\\n]*%-%-", ""):gsub("%s", "")))
        fails("DER", jwt.decode, forge({ alg = "HS256" }, {}, function(input)
          return crypto.hmac("sha256", der, input, "raw")
        end), der, { alg = "HS256" })
        -- A secret of random bytes that happen to begin as DER does is one.
        local odd = "\\x30\\x3e" .. ("x"):rep(62)
        assert(jwt.decode(jwt.encode({}, odd, "HS256"), odd, { alg = "HS256" }))

        for _, alg in ipairs { "none", "None", "NONE", "nOnE", "", "HS1", "hs256", "RS256 ", 5, {}, cjson.null } do
          for _, kind in ipairs { "secret", "rsa", "P-256" } do
            local name = kind == "secret" and "HS256" or kind == "rsa" and "RS256" or "ES256"
            for _, sign in ipairs { false, function() return "x" end } do
              local token = forge({ alg = alg }, { sub = "admin" }, sign or nil)
              refused(token, keys[kind].public, { alg = name }, sign and "not allowed" or "three parts")
            end
          end
        end
        refused(forge({}, {}, function() return "x" end), keys.secret.public, { alg = "HS256" }, "not allowed")
        fails("unknown algorithm", jwt.decode, "x", "k", { alg = "none" })
        fails("alg must be a string or a list", jwt.decode, "x", "k", {})
        fails("one of", jwt.encode, {}, ("k"):rep(32), "none")
        fails("unsupported alg: none", jwt.sign, jwt, "k", { header = { alg = "none" }, payload = {} })

        -- The curve is the algorithm's.
        local token = jwt.encode({}, keys["P-256"].private, "ES256")
        fails("no algorithm of the option alg works with a key of kind P-384", jwt.decode, token,
          keys["P-384"].public, { alg = "ES256" })
        fails("ES384 cannot be made with a key of kind P-256", jwt.encode, {}, keys["P-256"].private, "ES384")
        assert(jwt:verify(keys["P-384"].public, token).reason:find("key type mismatch", 1, true))
        -- Signatures are r and s, neither DER nor empty nor zero.
        local evp = require "resty.evp"
        local signed = token:match("^(.*)%.")
        local der_signature = evp.ECSigner:new(keys["P-256"].private):sign(signed, evp.CONST.SHA256_DIGEST)
        for _, bytes in ipairs { der_signature, ("\\0"):rep(64), ("\\0"):rep(63), ("\\xff"):rep(64), "x" } do
          refused(signed .. "." .. crypto.base64url_encode(bytes), keys["P-256"].public, { alg = "ES256" }, "wrong")
        end
        -- Critical extensions, and tokens that are encrypted.
        local function critical(input) return crypto.hmac("sha256", keys.secret.public, input, "raw") end
        refused(forge({ alg = "HS256", crit = { "b64" }, b64 = false }, {}, critical), keys.secret.public,
          { alg = "HS256" }, "critical extensions")
        refused("a.b.c.d.e", keys.secret.public, { alg = "HS256" }, "JWE")
        """)
  }

  @Test func claims() throws {
    try ModuleHost.check(
      """
      local jwt, cjson = require "jwt", require "cjson"
      local key = ("k"):rep(32)
      local function try(claims, options)
        options = options or {}
        options.alg, options.now = "HS256", options.now or 1000
        local payload, failure = jwt.decode(jwt.encode(claims, key, "HS256"), key, options)
        return payload and "ok" or failure
      end
      eq(try { exp = 1001 }, "ok")
      eq(try { exp = 1000 }, "the token has expired")
      eq(try({ exp = 991 }, { leeway = 10 }), "ok")
      eq(try({ exp = 990 }, { leeway = 10 }), "the token has expired")
      eq(try { nbf = 1000 }, "ok")
      eq(try { nbf = 1001 }, "the token is not valid yet")
      eq(try({ nbf = 1001 }, { leeway = 1 }), "ok")
      eq(try { iat = 1000 }, "ok")
      eq(try { iat = 1001 }, "the token was issued in the future")
      eq(try({}, { require = { "exp" } }), "the token has no claim 'exp'")
      eq(try({ sub = cjson.null }, { require = "sub" }), "the token has no claim 'sub'")
      eq(try({ iss = "a" }, { iss = { "b", "a" } }), "ok")
      eq(try({ iss = "a" }, { iss = "b" }), "the token is from another issuer")
      eq(try({}, { iss = "b" }), "the token is from another issuer")
      eq(try({ sub = "a" }, { sub = "b" }), "the token is about another subject")
      eq(try({}, { typ = "at+jwt" }), "the token is of another type")
      eq(try({ aud = "a" }, { aud = "a" }), "ok")
      eq(try({ aud = { "x", "a" } }, { aud = { "b", "a" } }), "ok")
      eq(try({ aud = "a" }, { aud = "b" }), "the token is for another audience")
      eq(try({ aud = {} }, { aud = "b" }), "the token is for another audience")
      eq(try({}, { aud = "b" }), "the token names no audience")
      eq(try { aud = "a" }, "the token names an audience, and no option aud says whether it is this one")
      eq(try({ aud = "a" }, { aud = false }), "ok")
      eq(try({ aud = 5 }, { aud = "5" }), "the claim 'aud' is neither a string nor a list")
      fails("the claim 'exp' must be a number", jwt.encode, { exp = "1001" }, key, "HS256")
      -- What others sign may hold anything.
      local function signed(payload)
        local c = require "crypto"
        local input = c.base64url_encode('{"alg":"HS256"}') .. "." .. c.base64url_encode(payload)
        return input .. "." .. c.base64url_encode(c.hmac("sha256", key, input, "raw"))
      end
      for _, text in ipairs { '{"exp":"9999"}', '{"exp":null}', '{"nbf":true}', '{"iat":[]}', '{"exp":{}}' } do
        local payload, failure = jwt.decode(signed(text), key, { alg = "HS256", now = 1000 })
        eq(payload, nil, text)
        assert(failure:find("is no number", 1, true), failure)
        eq(jwt:verify(key, signed(text)).verified, text == '{"iat":[]}', text)
      end
      eq(jwt.decode(signed('{"exp":1e400}'), key, { alg = "HS256" }), nil)
      for _, text in ipairs { "[]", "1", '"a"', "", "{", "null", "{}x", "{\\"a\\":\\"\\xff\\"}" } do
        eq(jwt.decode(signed(text), key, { alg = "HS256" }), nil, text)
        eq(jwt:load_jwt(signed(text)).valid, false, text)
      end
      fails("unknown option 'issuer'", jwt.decode, "x", key, { alg = "HS256", issuer = "x" })
      fails("leeway must be", jwt.decode, "x", key, { alg = "HS256", leeway = -1 })
      fails("at least 32 bytes", jwt.encode, {}, "short", "HS256")
      fails("at least 64 bytes", jwt.encode, {}, key, "HS512")
      fails("at least 32 bytes", jwt.decode, jwt:sign("short", { header = { alg = "HS256" }, payload = {} }),
        "short", { alg = "HS256" })
      fails("the key is empty", jwt.encode, {}, "", "HS256")
      fails("must have names", jwt.encode, { 1, 2 }, key, "HS256")
      fails("another algorithm", jwt.encode, {}, key, "HS256", { alg = "none" })
      fails("app/test.lua:", jwt.encode, {}, key)
      -- A key that depends on the token's header.
      local by_kid = function(header) return header.kid == "7" and key or nil end
      assert(jwt.decode(jwt.encode({}, key, "HS256", { kid = "7" }), by_kid, { alg = "HS256" }))
      eq(select(2, jwt.decode(jwt.encode({}, key, "HS256"), by_kid, { alg = "HS256" })), "there is no key for this token")
      """)
  }

  @Test func keysThatAreNone() throws {
    let folder = try KeyFolder()
    let (weak, weakPublic) = try folder.pair("rsa1024")
    let (plain, plainPublic) = try folder.pair("rsa")
    try plain.write(toFile: folder.path + "/plain", atomically: true, encoding: .utf8)
    let encrypted = String(
      decoding: try folder.openssl(["pkey", "-in", "plain", "-aes256", "-passout", "pass:open"]),
      as: UTF8.self)
    let certificate = String(
      decoding: try folder.openssl(["req", "-x509", "-new", "-key", "plain", "-subj", "/CN=test"]),
      as: UTF8.self)
    let der = try folder.openssl([
      "req", "-x509", "-new", "-key", "plain", "-subj", "/CN=test", "-outform", "DER",
    ])
    let hex = der.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    try ModuleHost.check(
      """
      local jwt, evp, crypto = require "jwt", require "resty.evp", require "crypto"
      local weak, weak_public = [[\(weak)]], [[\(weakPublic)]]
      local plain, public = [[\(plain)]], [[\(plainPublic)]]
      local encrypted, certificate, der = [[\(encrypted)]], [[\(certificate)]], crypto.hex_decode("\(hex)")
      fails("at least 2048 bits, this one has 1024", jwt.encode, {}, weak, "RS256")
      fails("expected a private key in PEM", jwt.encode, {}, public, "RS256")
      fails("expected a private key in PEM", jwt.encode, {}, encrypted, "RS256")
      fails("expected a private key in PEM", jwt.encode, {}, { pem = encrypted, password = "wrong" }, "RS256")
      fails("expected a private key in PEM", jwt.encode, {}, "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----\\n", "RS256")
      local token = jwt.encode({}, { pem = encrypted, password = "open" }, "RS256")
      for _, key in ipairs { public, certificate } do
        assert(jwt.decode(token, key, { alg = "RS256" }))
        eq(jwt:verify(key, token).verified, true)
      end
      fails("expected a public key or a certificate in PEM", jwt.decode, token, plain, { alg = "RS256" })
      for _, key in ipairs { weak, plain, encrypted } do
        for _, f in ipairs { jwt.encode, jwt.decode } do
          local _, failure = pcall(f, f == jwt.encode and {} or token, key, f == jwt.encode and "ES256" or { alg = "RS256" })
          assert(not tostring(failure):find("BEGIN", 1, true))
        end
      end

      local signer = assert(evp.RSASigner:new(encrypted, "open"))
      eq(next(signer), nil)
      eq(evp.RSASigner:new(encrypted), nil)
      eq(evp.RSASigner:new(public), nil)
      local signature = assert(signer:sign("message", evp.CONST.SHA256_DIGEST))
      eq(signature, evp.RSASigner:new(plain):sign("message", "SHA256"))
      for _, source in ipairs {
        evp.Cert:new(certificate), evp.Cert:new(der), evp.PublicKey:new(public), (evp.PublicKey:new(certificate)),
      } do
        local verifier = assert(evp.RSAVerifier:new(source))
        eq(verifier:verify("message", signature, "SHA256"), true)
        eq(verifier:verify("message!", signature, "SHA256"), false)
        eq(verifier:verify("message", signature, "SHA512"), false)
        eq(verifier:verify("message", "", "SHA256"), false)
      end
      eq(evp.Cert:new("nonsense"), nil)
      eq(evp.Cert:new(public), nil)
      eq(evp.RSAVerifier:new(public), nil)
      eq(evp.ECVerifier:new(evp.Cert:new(certificate)), nil)
      fails("unknown digest", signer.sign, signer, "m", "SHA3")
      fails("read-only", function() evp.RSAVerifier.verify = function() return true end end)
      """)
  }

  @Test func ellipticSignaturesConvert() throws {
    let folder = try KeyFolder()
    let (privateKey, publicKey) = try folder.pair("P-521")
    try ModuleHost.check(
      """
      local evp = require "resty.evp"
      local signer = assert(evp.ECSigner:new([[\(privateKey)]]))
      local verifier = assert(evp.ECVerifier:new(evp.PublicKey:new([[\(publicKey)]])))
      for i = 1, 20 do
        local der = signer:sign("m" .. i, evp.CONST.SHA512_DIGEST)
        local raw = signer:get_raw_sig(der)
        eq(#raw, 132)
        eq(verifier:get_der_sig(raw), der)
        eq(verifier:verify("m" .. i, der, evp.CONST.SHA512_DIGEST), true)
        eq(verifier:verify("m" .. i, raw, evp.CONST.SHA512_DIGEST), false)
      end
      eq(signer:get_raw_sig("nonsense"), nil)
      eq(verifier:get_der_sig("nonsense"), nil)
      """)
  }
}
