// The Lua part of `require "uuid"`: the names that lua-resty-jit-uuid documents, and short ones.

extension CryptoPrelude {
  static let uuid: StaticString = #"""
    local native = ...

    local M = {
      DNS = "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
      URL = "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
      OID = "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
      X500 = "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
    }

    local function random() return native.uuid_random() end

    local function ordered() return native.uuid_ordered() end

    local function named(version, namespace, name, level)
      if type(name) ~= "string" then
        error(string.format("uuid.generate_v%d: the name must be a string, not a %s", version, type(name)),
          level + 1)
      end
      local value, failure = native.uuid_named(version, namespace, name)
      if value then return value end
      if native.uuid_is_valid(namespace) then error("uuid: " .. failure, level + 1) end
      return nil, failure
    end

    local function generator(version)
      return function (namespace, name)
        local value, failure = named(version, namespace, name, 2)
        if value then return value end
        return nil, failure
      end
    end

    local function factory(version)
      return function (namespace)
        if not native.uuid_is_valid(namespace) then return nil, "the namespace must be a valid UUID" end
        return function (name)
          local value = named(version, namespace, name, 2)
          return value
        end
      end
    end

    M.v4, M.generate_v4, M.generate = random, random, random
    M.v7, M.generate_v7 = ordered, ordered
    M.v3, M.factory_v3 = generator(3), factory(3)
    M.v5, M.factory_v5 = generator(5), factory(5)
    M.generate_v3, M.generate_v5 = M.v3, M.v5

    function M.is_valid(value) return type(value) == "string" and native.uuid_is_valid(value) end

    -- The bits come from the kernel's generator: there is nothing to seed.
    function M.seed(seed) return seed end

    return setmetatable(M, { __call = random })
    """#
}
