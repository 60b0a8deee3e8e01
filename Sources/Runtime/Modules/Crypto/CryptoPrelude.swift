// The Lua part of `require "crypto"`.

extension CryptoPrelude {
  static let crypto: StaticString = #"""
    local native = ...
    local M = {}

    local function text(value, name, position)
      if type(value) ~= "string" then
        error(string.format("crypto.%s: argument %d must be a string, not a %s", name, position, type(value)), 3)
      end
      return value
    end

    --- The bytes as the caller wants them: hexadecimal digits, or with "raw" as they are.
    local function shaped(name, form, bytes, failure)
      if bytes == nil then error("crypto." .. name .. ": " .. failure, 3) end
      if form == nil or form == "hex" then return native.encode("hex", bytes) end
      if form == "raw" then return bytes end
      error("crypto." .. name .. ": the form is \"hex\" (the default) or \"raw\"", 3)
    end

    for _, name in ipairs { "md5", "sha1", "sha224", "sha256", "sha384", "sha512" } do
      M[name] = function (value, form)
        text(value, name, 1)
        return shaped(name, form, native.digest(name, value))
      end
    end

    function M.hmac(digest, key, value, form)
      text(digest, "hmac", 1)
      text(key, "hmac", 2)
      text(value, "hmac", 3)
      return shaped("hmac", form, native.hmac(digest, key, value))
    end

    function M.equal(a, b)
      text(a, "equal", 1)
      text(b, "equal", 2)
      return native.equal(a, b)
    end

    local random_bytes_max = 1048576

    local function random(name, count)
      if math.type(count) ~= "integer" or count < 0 or count > random_bytes_max then
        error(string.format("crypto.%s takes a number of bytes from 0 to %d", name, random_bytes_max), 3)
      end
      local bytes, failure = native.random(count)
      if bytes == nil then error("crypto." .. name .. ": " .. failure, 3) end
      return bytes
    end

    function M.random_bytes(count)
      local bytes = random("random_bytes", count)
      return bytes
    end

    function M.random_hex(count)
      local bytes = random("random_hex", count)
      return native.encode("hex", bytes)
    end

    for name, code in pairs { hex = "hex", base64 = "base64", base64url = "base64url" } do
      M[name .. "_encode"] = function (value)
        return (native.encode(code, text(value, name .. "_encode", 1)))
      end
      M[name .. "_decode"] = function (value)
        local bytes, failure = native.decode(code, text(value, name .. "_decode", 1))
        if bytes == nil then return nil, failure end
        return bytes
      end
    end

    -- Passwords: $scrypt$ln=15,r=8,p=3$SALT$HASH, salt and hash in base64 without padding.
    local costs = { ln = 15, r = 8, p = 3 }
    local salt_bytes, hash_bytes, password_bytes_max = 16, 32, 4096

    local function check_password(name, password)
      if type(password) ~= "string" then
        error("crypto." .. name .. ": the password must be a string, not a " .. type(password), 3)
      end
    end

    local function chosen_costs(options)
      if options == nil then return costs end
      if type(options) ~= "table" then error("crypto.hash_password: the options must be a table", 3) end
      for key, value in pairs(options) do
        if costs[key] == nil then
          error("crypto.hash_password: unknown option '" .. tostring(key) .. "': there are ln, r and p", 3)
        end
        if math.type(value) ~= "integer" then
          error("crypto.hash_password: the option '" .. key .. "' must be an integer", 3)
        end
      end
      local ln = options.ln or costs.ln
      if ln < 14 then error("crypto.hash_password: ln below 14 makes a hash that is guessed too fast", 3) end
      return { ln = ln, r = options.r or costs.r, p = options.p or costs.p }
    end

    function M.hash_password(password, options)
      check_password("hash_password", password)
      if #password > password_bytes_max then
        error("crypto.hash_password: a password has at most " .. password_bytes_max .. " bytes", 2)
      end
      local cost = chosen_costs(options)
      local salt, failure = native.random(salt_bytes)
      local hash
      if salt then
        hash, failure = native.hash_password(password, salt, cost.ln, cost.r, cost.p, hash_bytes)
      end
      if not hash then error("crypto.hash_password: " .. failure, 2) end
      return string.format("$scrypt$ln=%d,r=%d,p=%d$%s$%s", cost.ln, cost.r, cost.p,
        native.encode("base64bare", salt), native.encode("base64bare", hash))
    end

    --- The parts of a hash's text, or nil.
    local function parsed(text)
      if type(text) ~= "string" or #text > 512 then return nil end
      local ln, r, p, salt, hash =
        text:match("^%$scrypt%$ln=(%d%d?),r=(%d%d?),p=(%d%d?)%$([%w+/]+)%$([%w+/]+)$")
      salt = salt and native.decode("base64bare", salt)
      hash = hash and native.decode("base64bare", hash)
      if not salt or not hash or #hash < 16 or #hash > 64 or #salt < 8 or #salt > 64 then return nil end
      return { ln = tonumber(ln), r = tonumber(r), p = tonumber(p), salt = salt, hash = hash }
    end

    function M.verify_password(password, text)
      check_password("verify_password", password)
      local known = parsed(text)
      if not known then return false, "this is no hash that crypto.hash_password made" end
      if #password > password_bytes_max then return false, "the password is too long" end
      local hash, failure =
        native.verify_password(password, known.salt, known.ln, known.r, known.p, #known.hash)
      if not hash then error("crypto.verify_password: " .. failure, 2) end
      if native.equal(hash, known.hash) then return true end
      return false, "the password is another one"
    end

    function M.needs_rehash(text)
      local known = parsed(text)
      return known == nil or known.ln ~= costs.ln or known.r ~= costs.r or known.p ~= costs.p
        or #known.hash ~= hash_bytes
    end

    return M
    """#
}
