// The Lua part of `require "resty.evp"`: signatures with PEM keys under the names that lua-resty-jwt's module
// has. A failure is nil and a message; keys stand where no caller's code and no answer can reach them.

extension CryptoPrelude {
  static let evp: StaticString = #"""
    local native = ...

    local CONST = {
      SHA1_DIGEST = "SHA1", SHA224_DIGEST = "SHA224", SHA256_DIGEST = "SHA256", SHA384_DIGEST = "SHA384",
      SHA512_DIGEST = "SHA512",
    }
    local digests = {}
    for _, name in pairs(CONST) do digests[name] = name:lower() end

    local states = setmetatable({}, { __mode = "k" })

    local function state_of(self)
      local state = states[self]
      if state == nil then error("resty.evp: call the methods with ':' on what new gave", 3) end
      return state
    end

    --- The digest that a name stands for, SHA256 without one; raises at the caller's caller.
    local function digest_of(name)
      if name == nil then return "sha256" end
      local digest = type(name) == "string" and digests[name:upper()]
      if not digest then
        error("resty.evp: unknown digest: use one of evp.CONST", 3)
      end
      return digest
    end

    local function is_curve(kind) return kind == "P-256" or kind == "P-384" or kind == "P-521" end

    local function is_rsa(kind) return kind == "RSA" end

    --- A class: a read-only table with `new` and the methods, and what makes its objects.
    local function class(methods, new)
      local meta = { __index = methods, __metatable = false }
      local function make(state)
        local object = setmetatable({}, meta)
        states[object] = state
        return object
      end
      local fields = { new = new(make) }
      for name, method in pairs(methods) do fields[name] = method end
      return native.freeze(fields)
    end

    local function signer(fits, what, methods)
      function methods:sign(message, digest)
        local state = state_of(self)
        if type(message) ~= "string" then
          error("resty.evp: the message must be a string, not a " .. type(message), 2)
        end
        local name = digest_of(digest)
        local signature, failure =
          native.sign(state.key, "private", state.password, "plain", name, message)
        if signature then return signature end
        return nil, failure
      end
      return class(methods, function (make)
        return function (_, key, password)
          if type(key) ~= "string" then return nil, "the private key must be PEM text" end
          if password ~= nil and type(password) ~= "string" then return nil, "the password must be a string" end
          local kind, failure = native.key_kind(key, "private", password)
          if not kind then return nil, failure end
          if not fits(kind) then return nil, "the key is no private key for " .. what end
          return make { key = key, password = password, kind = kind }
        end
      end)
    end

    local function verifier(fits, what, methods)
      function methods:verify(message, signature, digest)
        local state = state_of(self)
        if type(message) ~= "string" or type(signature) ~= "string" then
          error("resty.evp: message and signature must be strings", 2)
        end
        local name = digest_of(digest)
        local is_right, failure =
          native.verify(state.key, state.holds, nil, "plain", name, message, signature)
        if is_right then return true end
        return false, failure or "the signature is not the key's"
      end
      return class(methods, function (make)
        return function (_, source)
          local state = states[source]
          if not state or not state.holds then
            return nil, "a verifier takes what evp.Cert:new or evp.PublicKey:new gave"
          end
          if not fits(state.kind) then return nil, "the key is no public key for " .. what end
          return make { key = state.key, holds = state.holds, kind = state.kind }
        end
      end)
    end

    --- `Cert` and `PublicKey`: texts that hold a public key.
    local function source(holds, what)
      return class({}, function (make)
        return function (_, text)
          if type(text) ~= "string" then return nil, "the " .. what .. " must be a string" end
          local kind, failure = native.key_kind(text, holds)
          if not kind then return nil, failure end
          return make { key = text, holds = holds, kind = kind }
        end
      end)
    end

    local coordinate_bytes = { ["P-256"] = 32, ["P-384"] = 48, ["P-521"] = 66 }

    local ec_signer = {}

    function ec_signer:get_raw_sig(signature)
      local state = state_of(self)
      if type(signature) ~= "string" then return nil, "the signature must be a string" end
      return native.convert_ecdsa(signature, coordinate_bytes[state.kind])
    end

    local ec_verifier = {}

    function ec_verifier:get_der_sig(signature)
      local state = state_of(self)
      if type(signature) ~= "string" then return nil, "the signature must be a string" end
      if #signature ~= 2 * coordinate_bytes[state.kind] then return nil, "this is no ECDSA signature" end
      return native.convert_ecdsa(signature, 0)
    end

    return {
      CONST = native.freeze(CONST),
      RSASigner = signer(is_rsa, "RSA", {}),
      RSAVerifier = verifier(is_rsa, "RSA", {}),
      ECSigner = signer(is_curve, "ECDSA", ec_signer),
      ECVerifier = verifier(is_curve, "ECDSA", ec_verifier),
      Cert = source("certificate", "certificate"),
      PublicKey = source("public", "public key"),
    }
    """#
}
