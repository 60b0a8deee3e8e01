// The Lua part of `require "resty.hmac"`: the interface that lua-resty-hmac documents. The pieces of a message
// are kept until it is final; the key stands where no caller's code and no answer can reach it.

extension CryptoPrelude {
  static let hmac: StaticString = #"""
    local native = ...

    local ALGOS = {
      MD5 = "md5", SHA1 = "sha1", SHA224 = "sha224", SHA256 = "sha256", SHA384 = "sha384", SHA512 = "sha512",
    }
    local known = {}
    for _, digest in pairs(ALGOS) do known[digest] = true end

    local states = setmetatable({}, { __mode = "k" })
    local methods = {}
    local meta = { __index = methods, __metatable = false, __name = "hmac" }

    local function state_of(self, name)
      local state = states[self]
      if state == nil then error("hmac: call it as h:" .. name .. "(…), on what hmac:new gave", 3) end
      return state
    end

    local function check(value, name)
      if type(value) ~= "string" then
        error(string.format("hmac: %s takes a string, not a %s", name, type(value)), 3)
      end
    end

    function methods:update(value)
      local state = state_of(self, "update")
      check(value, "update")
      if state.is_final then return false end
      state.count = state.count + 1
      state.pieces[state.count] = value
      return true
    end

    function methods:final(value, hex)
      local state = state_of(self, "final")
      if state.is_final then return nil end
      local text = table.concat(state.pieces)
      if value ~= nil then
        check(value, "final")
        text = text .. value
      end
      local code, failure = native.hmac(state.digest, state.key, text)
      if code == nil then error("hmac: " .. failure, 2) end
      state.is_final, state.pieces, state.count = true, {}, 0
      if hex then return native.encode("hex", code) end
      return code
    end

    function methods:reset()
      local state = state_of(self, "reset")
      state.is_final, state.pieces, state.count = false, {}, 0
      return true
    end

    local M = { ALGOS = native.freeze(ALGOS) }

    function M.new(_, key, algorithm)
      if type(key) ~= "string" then
        error("hmac:new takes a key that is a string, not a " .. type(key), 2)
      end
      if algorithm == nil then algorithm = ALGOS.MD5 end
      if not known[algorithm] then error("hmac:new takes one of hmac.ALGOS", 2) end
      local object = setmetatable({}, meta)
      states[object] = { key = key, digest = algorithm, pieces = {}, count = 0, is_final = false }
      return object
    end

    return M
    """#
}
