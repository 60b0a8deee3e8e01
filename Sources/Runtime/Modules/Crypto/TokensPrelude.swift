// The Lua part of `require "jwt"`, by its other name `resty.jwt`: JSON Web Tokens (RFC 7519) signed as RFC 7515
// says. What decides is never the token: an algorithm counts only if the caller named it, or if the kind of
// the key leaves no other meaning, and a PEM text is never a shared secret. A token's claims are looked at
// after its signature. This is what both interfaces are built on: `encode` and `decode` (JWTPrelude.swift), and
// the methods that lua-resty-jwt documents (JWTMethodsPrelude.swift).

extension CryptoPrelude {
  static let tokens: StaticString = #"""
    local native = ...
    local token_bytes_max, rsa_bits_min = 262144, 2048

    local algorithms = {
      HS256 = { digest = "sha256", secret_bytes = 32 },
      HS384 = { digest = "sha384", secret_bytes = 48 },
      HS512 = { digest = "sha512", secret_bytes = 64 },
      RS256 = { digest = "sha256", scheme = "plain", kinds = { RSA = true } },
      RS384 = { digest = "sha384", scheme = "plain", kinds = { RSA = true } },
      RS512 = { digest = "sha512", scheme = "plain", kinds = { RSA = true } },
      PS256 = { digest = "sha256", scheme = "pss", kinds = { RSA = true } },
      PS384 = { digest = "sha384", scheme = "pss", kinds = { RSA = true } },
      PS512 = { digest = "sha512", scheme = "pss", kinds = { RSA = true } },
      ES256 = { digest = "sha256", scheme = "raw", kinds = { ["P-256"] = true } },
      ES384 = { digest = "sha384", scheme = "raw", kinds = { ["P-384"] = true } },
      ES512 = { digest = "sha512", scheme = "raw", kinds = { ["P-521"] = true } },
      EdDSA = { scheme = "pure", kinds = { Ed25519 = true, Ed448 = true } },
    }

    -- MARK: Keys

    --- What a key is for the algorithms: its kind, bits, text and password; or nil and why it is none.
    --- `holds` is "private" for signing and "public" for verifying.
    local function read_key(key, holds)
      local text, password = key, nil
      if type(key) == "table" then text, password = rawget(key, "pem"), rawget(key, "password") end
      if type(text) ~= "string" or (password ~= nil and type(password) ~= "string") then
        return nil, "the key must be a string, or a table with the strings pem and password"
      end
      if text == "" then return nil, "the key is empty" end
      if text:find("-----BEGIN", 1, true) then
        local kind, bits = native.key_kind(text, holds, password)
        if not kind then
          return nil, bits .. ": expected " .. (holds == "private" and "a private key" or "a public key or a certificate")
            .. " in PEM"
        end
        if kind == "RSA" and bits < rsa_bits_min then
          return nil, "an RSA key needs at least " .. rsa_bits_min .. " bits, this one has " .. bits
        end
        return { kind = kind, text = text, holds = holds, password = password }
      end
      if native.is_der(text) then return nil, "the key is in DER: give it in PEM" end
      return { kind = "secret", text = text }
    end

    --- Whether an algorithm may be used with a key.
    local function fits(algorithm, key)
      if algorithm.kinds then return algorithm.kinds[key.kind] == true end
      return key.kind == "secret"
    end

    local function key_name(key) return key.kind == "secret" and "a shared secret" or "a key of kind " .. key.kind end

    local function sign(algorithm, key, input)
      if algorithm.kinds then
        return native.sign(key.text, "private", key.password, algorithm.scheme, algorithm.digest, input)
      end
      return native.hmac(algorithm.digest, key.text, input)
    end

    local function verify(algorithm, key, input, signature)
      if algorithm.kinds then
        return native.verify(key.text, "public", nil, algorithm.scheme, algorithm.digest, input, signature)
      end
      local code, failure = native.hmac(algorithm.digest, key.text, input)
      if not code then return nil, failure end
      return native.equal(code, signature)
    end

    -- MARK: Tokens

    local function is_name(value) return type(value) == "string" and #value <= 20 and not value:find("[^%w_+-]") end

    --- The JSON object behind one part of a token, or nil.
    local function object_of(part)
      local text = native.decode("base64url", part)
      if not text or not text:find("^%s*{") then return nil end
      local value = native.json_decode(text)
      return type(value) == "table" and value or nil
    end

    --- Takes a token apart without believing it: nil and why it is none.
    local function parse(token)
      if type(token) ~= "string" then return nil, "the token must be a string, not a " .. type(token) end
      if #token > token_bytes_max then return nil, "the token is too long" end
      local head, body, signature = token:match("^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$")
      if not head then
        if token:find("^[%w_-]+%.[%w_-]*%.[%w_-]+%.[%w_-]+%.[%w_-]+$") then
          return nil, "encrypted tokens (JWE) are not supported"
        end
        return nil, "this is no token: it has not three parts in base64url"
      end
      local header, payload = object_of(head), object_of(body)
      if not header then return nil, "the token's header is not a JSON object in base64url" end
      if not payload then return nil, "the token's payload is not a JSON object in base64url" end
      local bytes = native.decode("base64url", signature)
      if not bytes then return nil, "the token's signature is not base64url" end
      if header.crit ~= nil then return nil, "the token's header has critical extensions, of which none is known" end
      if header.enc ~= nil then return nil, "encrypted tokens (JWE) are not supported" end
      return {
        header = header, payload = payload, signature = bytes, input = head .. "." .. body,
        head = head, body = body, signature_text = signature,
      }
    end

    --- The header as JSON, with its parameters in a fixed order.
    local function header_json(header)
      local names = {}
      for name in pairs(header) do
        if type(name) ~= "string" then return nil, "the header's parameters need names" end
        if name ~= "typ" and name ~= "alg" then names[#names + 1] = name end
      end
      table.sort(names)
      table.insert(names, 1, "alg")
      if header.typ ~= nil then table.insert(names, 1, "typ") end
      for index, name in ipairs(names) do
        local value, failure = native.json_encode(header[name])
        if not value then return nil, "the header's '" .. name .. "': " .. failure end
        names[index] = native.json_encode(name) .. ":" .. value
      end
      return "{" .. table.concat(names, ",") .. "}"
    end

    --- A signed token, or nil and why there is none.
    local function make(header, payload, key, algorithm)
      if header.crit ~= nil or header.enc ~= nil or header.b64 ~= nil then
        return nil, "the header parameters crit, enc and b64 are not supported"
      end
      if type(payload) ~= "table" then return nil, "the payload must be a table, not a " .. type(payload) end
      for _, name in ipairs { "exp", "nbf", "iat" } do
        local value = rawget(payload, name)
        if value ~= nil and type(value) ~= "number" then
          return nil, "the claim '" .. name .. "' must be a number of seconds since 1970"
        end
      end
      local body, failure = native.json_encode(payload)
      if not body then return nil, "the payload: " .. failure end
      if body:sub(1, 1) ~= "{" then return nil, "the payload must have names, not be a list" end
      local head, head_failure = header_json(header)
      if not head then return nil, head_failure end
      local input = native.encode("base64url", head) .. "." .. native.encode("base64url", body)
      local signature, sign_failure = sign(algorithm, key, input)
      if not signature then return nil, sign_failure end
      return input .. "." .. native.encode("base64url", signature)
    end

    return {
      algorithms = algorithms, read_key = read_key, fits = fits, key_name = key_name, verify = verify,
      parse = parse, make = make, is_name = is_name,
    }
    """#
}
