// The interface of lua-resty-jwt and its validators, and tokens that are none.

import Testing

@testable import SpacerRuntime

@Suite struct JWTMethodsTests {
  @Test func theDocumentedInterface() throws {
    try ModuleHost.check(
      """
      local jwt, cjson = require "resty.jwt", require "cjson"
      local token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJmb28iOiJiYXIifQ.VAoRL1IU0nOguxURF2ZcKR0SGKE1gCbqwyh8u2MLAyY"
      eq(jwt:sign("lua-resty-jwt", { header = { typ = "JWT", alg = "HS256" }, payload = { foo = "bar" } }), token)
      local object = jwt:verify("lua-resty-jwt", token)
      eq(object.verified, true, object.reason)
      eq(object.reason, "everything is awesome~ :p")
      eq(object.raw_header, "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9")
      eq(object.raw_payload, "eyJmb28iOiJiYXIifQ")
      eq(object.signature, "VAoRL1IU0nOguxURF2ZcKR0SGKE1gCbqwyh8u2MLAyY")
      eq(object.header.typ, "JWT")
      eq(object.payload.foo, "bar")
      assert(cjson.encode(object))

      local wrong = jwt:verify("another", token)
      eq(wrong.verified, false)
      eq(wrong.valid, true)
      eq(wrong.reason, "signature mismatched: VAoRL1IU0nOguxURF2ZcKR0SGKE1gCbqwyh8u2MLAyY")
      local none = jwt:load_jwt("nonsense")
      eq(none.valid, false)
      eq(none.verified, false)
      assert(none.reason:find("^invalid jwt string: "))
      for _, value in ipairs { 5, {}, false } do eq(jwt:verify("k", value).valid, false) end
      eq(jwt:verify("k", nil).valid, false)
      eq(jwt:verify(nil, token).verified, false)
      eq(jwt:verify("", token).verified, false)
      eq(jwt:verify({}, token).verified, false)

      local loaded = jwt:load_jwt(token)
      eq(loaded.verified, false)
      loaded.payload.foo, loaded.verified = "forged", true
      local verified = jwt:verify_jwt_obj("lua-resty-jwt", loaded)
      eq(verified, loaded)
      eq(verified.verified, true)
      eq(verified.payload.foo, "bar", "what is verified is what was signed")
      loaded.raw_payload = "eyJmb28iOiJ4In0"
      eq(jwt:verify_jwt_obj("lua-resty-jwt", loaded).verified, false)
      eq(jwt:verify_jwt_obj("k", { valid = true, verified = true }).verified, false)

      local function secret(kid) return kid == "1" and "lua-resty-jwt" or nil end
      local named = jwt:sign("lua-resty-jwt", { header = { alg = "HS512", kid = "1" }, payload = {} })
      eq(jwt:verify(secret, named).verified, true)
      eq(jwt:verify(secret, token).verified, false)
      eq(jwt:verify(function() end, named).verified, false)

      jwt:set_alg_whitelist { HS512 = 1 }
      eq(jwt:verify("lua-resty-jwt", token).reason, "whitelist unsupported alg: HS256")
      eq(jwt:verify(secret, named).verified, true)
      jwt:set_alg_whitelist {}
      eq(jwt:verify(secret, named).verified, false)
      jwt:set_alg_whitelist(nil)
      eq(jwt:verify("lua-resty-jwt", token).verified, true)
      fails("unknown algorithm 'none'", jwt.set_alg_whitelist, jwt, { none = 1 })
      fails("JWE", jwt.sign, jwt, "k", { header = { alg = "dir", enc = "A128CBC-HS256" }, payload = {} })
      fails("jwt:sign takes", jwt.sign, jwt, "k", "x")
      """)
  }

  @Test func claimSpecifications() throws {
    try ModuleHost.check(
      """
      local jwt, v = require "resty.jwt", require "resty.jwt-validators"
      v.set_system_clock(function() return 1000 end)
      local function try(claims, ...)
        local object = jwt:verify("k", jwt:sign("k", { header = { alg = "HS256" }, payload = claims }), ...)
        return object.verified and "ok" or object.reason
      end
      local function has(text, part) if not text:find(part, 1, true) then error(text .. ": not " .. part, 2) end end
      eq(try { exp = 1001, nbf = 1000 }, "ok")
      has(try { exp = 1000 }, "'exp' claim: expired at Thu, 01 Jan 1970 00:16:40 GMT")
      has(try { nbf = 1001 }, "not valid before")
      has(try({ exp = 1000 }, { sub = v.opt_equals("x") }), "expired")
      eq(try({ exp = 1000 }, { exp = function() return true end }), "ok")
      eq(try({ sub = "abc" }, { sub = v.matches("^[a-z]+$") }), "ok")
      eq(try({ sub = "ABC" }, { sub = v.matches("^[a-z]+$") }), "'sub' claim was refused")
      eq(try({}, { sub = v.matches("^[a-z]+$") }), "'sub' claim is missing")
      eq(try({}, { sub = v.opt_matches("^[a-z]+$") }), "ok")
      has(try({ sub = 5 }, { sub = v.matches("x") }), "must be a string")
      eq(try({ iss = "b" }, { iss = v.equals_any_of { "a", "b" } }), "ok")
      eq(try({ iss = "c" }, { iss = v.equals_any_of { "a", "b" } }), "'iss' claim was refused")
      eq(try({ iss = "xby" }, { iss = v.contains_any_of { "a", "b" } }), "ok")
      eq(try({ n = 5 }, { n = v.greater_than(4) }), "ok")
      eq(try({ n = 5 }, { n = v.less_than_or_equal(4) }), "'n' claim was refused")
      eq(try({ aud = { "x", "y" } }, { aud = v.audience("y") }), "ok")
      eq(try({ aud = { "x" } }, { aud = v.audience { "y", "z" } }), "'aud' claim was refused")
      eq(try({ n = 5 }, { n = v.check(4, function(value, wanted) return value > wanted end) }), "ok")
      has(try({ n = 5 }, { n = v.check(4, function() error("bad luck") end) }), "bad luck")
      eq(try({ n = 5 }, { n = v.check_any({ 1, 5 }, rawequal) }), "ok")
      eq(try({ a = 1 }, { a = v.chain(v.required(), v.equals(1)) }), "ok")
      eq(try({}, { a = v.chain(v.required(), v.equals(1)) }), "'a' claim is missing")
      eq(try({ a = 2 }, { a = v.required(v.equals(1)) }), "'a' claim was refused")
      has(try({}, { __jwt = v.require_one_of { "foo", "bar" } }), "foo, bar")
      eq(try({ bar = 1 }, { __jwt = v.require_one_of { "foo", "bar" } }), "ok")
      has(try({ foo = 1 }, { __jwt = v.required_claims { "foo", "bar" } }), "'bar' claim is missing")
      eq(try({ a = 1 }, { a = function() error("not today") end }), "not today")
      eq(try({ a = 1 }, { a = function() end }), "ok")
      eq(try({ a = 1 }, { a = function(value, name, json) return json:find('"payload"') ~= nil and name == "a" end }), "ok")
      eq(try({ a = 1 }, { __jwt = function(object) object.payload.a = 2 end }, { a = v.equals(1) }), "ok")
      eq(try({ a = 1 }, { a = v.equals(2) }, { a = function() error("never") end }), "'a' claim was refused")
      has(try({}, { exp = 5 }), "must be a function")
      has(try({}, 5), "must be a table")

      eq(try({ exp = 990 }, { lifetime_grace_period = 11 }), "ok")
      has(try({ exp = 990 }, { lifetime_grace_period = 9 }), "expired")
      has(try({}, { lifetime_grace_period = 9 }), "nbf, exp")
      eq(try({}, { require_exp_claim = true }), "'exp' claim is missing")
      eq(try({ iss = "a" }, { valid_issuers = { "a" } }), "ok")
      eq(try({ iss = "b" }, { valid_issuers = { "a" } }), "'iss' claim was refused")
      has(try({}, { lifetime_grace_period = -1 }), "positive")
      has(try({}, { require_exp_claim = 1 }), "wrong type")
      has(try({}, { require_exp_claim = true, sub = v.equals("x") }), "unknown")

      v.set_system_leeway(10)
      eq(try { exp = 991 }, "ok")
      eq(try({ iat = 1011 }, { iat = v.issued_at() }):match("future"), "future")
      eq(try({ iat = 900 }, { iat = v.issued_at { max_age = 50 } }):match("too old"), "too old")
      eq(try({ at = 1009 }, { at = v.is_at() }), "ok")
      fails("app/test.lua:", v.set_system_leeway, -1)
      fails("app/test.lua:", v.equals)
      fails("app/test.lua:", v.opt_equals_any_of, {})
      fails("app/test.lua:", v.greater_than, "1")
      fails("app/test.lua:", v.is_not_expired, { leeway = "x" })
      fails("app/test.lua:", v.require_one_of, { 1 })
      fails("app/test.lua:", v.audience, {})
      """)
  }

  @Test func tokensOfAnyShape() throws {
    var generator = SeededGenerator(state: Fuzz.seed("tokens"))
    try Fuzz.run {
      try ModuleHost.check(
        """
        local jwt, crypto = require "jwt", require "crypto"
        math.randomseed(\(UInt32.random(in: 0...UInt32.max, using: &generator)))
        local key = ("k"):rep(32)
        local rsa = [[\(JWTModuleTests.publishedRSAKey)]]
        local good = jwt.encode({ sub = "x", list = { 1, { a = "b" } } }, key, "HS256")
        local pieces = {
          ".", "..", "=", "-", "_", "\\0", " ", "e30", "eyJhbGciOiJub25lIn0", "AAAA", "\\xff", "{", good, rsa,
          crypto.base64url_encode(("["):rep(2000)), crypto.base64url_encode('{"alg":"HS256"}'),
        }
        for i = 1, 400 do
          local token = good
          for _ = 1, math.random(3) do
            local kind, place = math.random(4), math.random(#token + 1)
            if kind == 1 then
              token = token:sub(1, place - 1) .. string.char(math.random(0, 255)) .. token:sub(place + 1)
            elseif kind == 2 then
              token = token:sub(1, place - 1) .. pieces[math.random(#pieces)] .. token:sub(place)
            elseif kind == 3 then
              token = token:sub(1, place - 1)
            else
              token = token:sub(1, place - 1) .. token:sub(place + math.random(20))
            end
          end
          if token ~= good then
            local payload, failure = jwt.decode(token, key, { alg = "HS256" })
            if payload then error("taken: " .. token) end
            eq(type(failure), "string")
            local object = jwt:verify(key, token)
            eq(object.verified, false)
            eq(type(object.reason), "string")
            eq(jwt:verify(rsa, token).verified, false)
            jwt:load_jwt(token)
          end
        end
        """)
    }
  }
}
