// The globals of the gateway's sandbox, in Lua: a list of what is allowed, so that what a Lua release adds
// stays out until it is looked at.
//
// The result of a run never varies: `pairs` and `next` walk keys in a fixed order (numbers ascending, then
// strings by bytes, then booleans), `table.sort` is a merge sort (Lua's own draws its pivots from the
// clock), no text holds an address, and there is no clock, no randomness, no file, no collector and no
// `load`. Library functions that loop in C, where no instruction is counted, have bounds.
// Errors name the caller's line: functions here raise with level 2, and the shim takes a position in this
// text off a message.

enum GatewayPrelude {
  static let text = """
    local raw = ...
    local base, charge, less = raw.base, raw.charge, raw.less
    local metafield, type, error = raw.metafield, base.type, base.error
    local rawget, rawnext, rawlen = base.rawget, base.next, base.rawlen
    local select, rawtostring = base.select, base.tostring
    local pack, unpack = raw.table.pack, raw.table.unpack

    local G = {}
    for _, name in base.ipairs {
      "_VERSION", "assert", "error", "getmetatable", "ipairs", "pcall", "rawequal", "rawget", "rawlen",
      "rawset", "select", "tonumber", "type", "xpcall"
    } do
      G[name] = base[name]
    end
    G._G = G
    G.require = raw.require
    G.unpack = unpack
    function G.print() end

    local function copied(library, without)
      local copy = {}
      for key, value in rawnext, library do
        if not without[key] then copy[key] = value end
      end
      return copy
    end

    local LENGTH_MAX = 10000000
    local function checked_length(t)
      if type(t) ~= "table" then return 0 end
      local n = #t
      if type(n) == "number" and n > LENGTH_MAX then error("table too long for the gateway", 3) end
      return n
    end

    -- Sorting: merges runs of growing length, stable.
    local function sorted(a, n, before)
      local b, width = {}, 1
      while width < n do
        local from = 1
        while from <= n do
          local middle, last = from + width, from + 2 * width
          if middle > n + 1 then middle = n + 1 end
          if last > n + 1 then last = n + 1 end
          local i, j = from, middle
          for k = from, last - 1 do
            if i < middle and (j >= last or not before(a[j], a[i])) then
              b[k] = a[i]
              i = i + 1
            else
              b[k] = a[j]
              j = j + 1
            end
          end
          from = last
        end
        a, b = b, a
        width = width * 2
      end
      return a
    end

    -- Keys in their fixed order.
    local RANK = { number = 1, string = 2, boolean = 3 }
    local function key_before(a, b)
      local kind, other = type(a), type(b)
      if kind ~= other then return RANK[kind] < RANK[other] end
      if kind == "number" then return a < b end
      if kind == "string" then return less(a, b) end
      return not a and b
    end
    local function ordered_keys(t)
      local keys, n, is_sorted = {}, 0, true
      for key in rawnext, t do
        if not RANK[type(key)] then
          error("a key is a " .. type(key) .. ": the order of keys would not be fixed in the gateway", 3)
        end
        if is_sorted and n > 0 and not key_before(keys[n], key) then is_sorted = false end
        n = n + 1
        keys[n] = key
      end
      if is_sorted then return keys end
      return sorted(keys, n, key_before)
    end

    function G.pairs(t)
      local custom = metafield(t, "__pairs")
      if custom ~= nil then
        local iterator, state, first = custom(t)
        return iterator, state, first
      end
      if type(t) ~= "table" then
        error("bad argument #1 to 'for iterator' (table expected, got " .. type(t) .. ")", 2)
      end
      local keys, i = ordered_keys(t), 0
      return function()
        while true do
          i = i + 1
          local key = keys[i]
          if key == nil then return nil end
          local value = rawget(t, key)
          if value ~= nil then return key, value end
        end
      end, t, nil
    end

    local walks = {}  -- a table -> its keys in order and their places, from the last walk with `next`
    function G.next(t, key)
      if type(t) ~= "table" then
        error("bad argument #1 to 'next' (table expected, got " .. type(t) .. ")", 2)
      end
      local walk, i = walks[t], 0
      if key ~= nil then i = walk and walk.places[key] end
      if key == nil or not i then
        if rawnext(t) == nil then return nil end
        walk = { keys = ordered_keys(t), places = {} }
        for place, name in base.ipairs(walk.keys) do walk.places[name] = place end
        walks[t] = walk
        i = 0
        if key ~= nil then i = walk.places[key] end
        if not i then error("invalid key to 'next'", 2) end
      end
      while true do
        i = i + 1
        local following = walk.keys[i]
        if following == nil then return nil end
        local value = rawget(t, following)
        if value ~= nil then return following, value end
      end
    end

    function G.setmetatable(t, metatable)
      if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
        error("'__gc' is not available in the gateway", 2)
      end
      return base.setmetatable(t, metatable)
    end

    -- Text without addresses: a table is named by the order of its first naming.
    local ordinals, named = {}, 0
    local function tostring(...)
      local value = ...
      local kind = type(value)
      if select("#", ...) == 0 or kind == "nil" or kind == "boolean" or kind == "number" or kind == "string"
        or metafield(value, "__tostring") ~= nil then
        return rawtostring(...)
      end
      if not ordinals[value] then
        named = named + 1
        ordinals[value] = named
      end
      local name = metafield(value, "__name")
      return (type(name) == "string" and name or kind) .. ": " .. rawtostring(ordinals[value])
    end
    G.tostring = tostring

    -- string
    local string = copied(raw.string, { dump = true })
    G.string = string
    string.gfind = string.gmatch
    local rawstring = raw.string
    function string.format(format, ...)
      if type(format) ~= "string" then return rawstring.format(format, ...) end
      local arguments, i = pack(...), 0
      for directive in rawstring.gmatch(format, "%%[-+ #0%d.]*(.)") do
        if directive ~= "%" then
          i = i + 1
          local kind = type(arguments[i])
          if directive == "p" then error("'%p' is not available in the gateway", 2) end
          if directive == "s" and i <= arguments.n and kind ~= "string" and kind ~= "number" then
            arguments[i] = tostring(arguments[i])
          end
        end
      end
      return rawstring.format(format, unpack(arguments, 1, arguments.n))
    end
    function string.rep(text, n, separator)
      if type(n) == "number" and n > LENGTH_MAX then error("too many repetitions for the gateway", 2) end
      return rawstring.rep(text, n, separator)
    end
    local string_metatable = base.getmetatable("")
    string_metatable.__index = string
    string_metatable.__metatable = false

    -- table
    local table = copied(raw.table, {})
    G.table = table
    function table.getn(t) return #t end
    function table.insert(t, ...)
      checked_length(t)
      return raw.table.insert(t, ...)
    end
    function table.remove(t, ...)
      checked_length(t)
      return raw.table.remove(t, ...)
    end
    function table.concat(t, separator, from, to, ...)
      checked_length(t)
      if type(to) == "number" and to - (from or 1) > LENGTH_MAX then
        error("range too long for the gateway", 2)
      end
      return raw.table.concat(t, separator, from, to, ...)
    end
    function table.move(a, from, to, ...)
      if type(from) == "number" and type(to) == "number" and to - from > LENGTH_MAX then
        error("range too long for the gateway", 2)
      end
      return raw.table.move(a, from, to, ...)
    end
    function table.sort(t, before)
      if type(t) ~= "table" then
        error("bad argument #1 to 'sort' (table expected, got " .. type(t) .. ")", 2)
      end
      if before ~= nil and type(before) ~= "function" then
        error("bad argument #2 to 'sort' (function expected, got " .. type(before) .. ")", 2)
      end
      local n, copy = checked_length(t), {}
      for i = 1, n do copy[i] = t[i] end
      local result = sorted(copy, n, before or function(a, b) return a < b end)
      for i = 1, n do t[i] = result[i] end
    end

    G.math = copied(raw.math, { random = true, randomseed = true })
    G.math.pow = function(x, y) return x ^ y end
    G.utf8 = copied(raw.utf8, {})

    -- A coroutine counts its instructions afresh, so that making one costs what it might hide.
    local coroutine = copied(raw.coroutine, {})
    G.coroutine = coroutine
    for _, name in base.ipairs { "create", "wrap" } do
      local original = raw.coroutine[name]
      coroutine[name] = function(...)
        charge(1000)
        return original(...)
      end
    end
    return G
    """
}
