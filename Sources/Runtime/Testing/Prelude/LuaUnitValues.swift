// `require "luaunit"`: values as text, and when two are equal. A module of our own that keeps what LuaUnit's
// documentation promises (https://luaunit.readthedocs.io); the two share no code.

/// The Lua parts of the module, each given what the one before gives.
enum LuaUnitPrelude {
  static let values: StaticString = #"""
    local given = ...
    local type, pairs, ipairs, tostring, rawequal, getmetatable = type, pairs, ipairs, tostring, rawequal, getmetatable
    local sort, concat, rep = table.sort, table.concat, string.rep
    local find, match, format, gsub = string.find, string.match, string.format, string.gsub

    local M = {
      ORDER_ACTUAL_EXPECTED = true, PRINT_TABLE_REF_IN_ERROR_MSG = false, LINE_LENGTH = 80, EPS = 2 ^ -52,
      TABLE_DIFF_ANALYSIS_THRESHOLD = 10, LIST_DIFF_ANALYSIS_THRESHOLD = 10, VERSION = "3.4", VERBOSITY_QUIET = 0,
      VERBOSITY_LOW = 1, VERBOSITY_DEFAULT = 10, VERBOSITY_VERBOSE = 20, FORCE_DEEP_ANALYSIS = true,
      DISABLE_DEEP_ANALYSIS = false, STRIP_LUAUNIT_FROM_STACKTRACE = true,
    }
    given.module = M

    -- Order of keys: numbers, strings, the rest by their kind.
    local ranks = { number = 1, string = 2, boolean = 3 }
    local function precedes(a, b)
      local x, y = ranks[type(a)] or 4, ranks[type(b)] or 4
      if x ~= y then return x < y end
      if x < 3 then return a < b end
      return tostring(a) < tostring(b)
    end

    local function sorted_keys(t)
      local keys = {}
      for key in next, t do keys[#keys + 1] = key end
      sort(keys, precedes)
      return keys
    end
    given.sorted_keys = sorted_keys

    local function quoted(text)
      local mark = '"'
      if find(text, '"', 1, true) and not find(text, "'", 1, true) then mark = "'" end
      text = gsub(text, mark == '"' and '[\\"]' or "\\", "\\%0")
      text = gsub(text, "[%c\127]", function(c)
        return ({ ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" })[c] or format("\\%03d", c:byte())
      end)
      return mark .. text .. mark
    end

    local function scalar(value)
      local kind = type(value)
      if kind == "string" then return quoted(value) end
      if kind == "number" then
        if value ~= value then return "nan" end
        return tostring(value)
      end
      if kind == "userdata" and tostring(value) == "userdata: (nil)" then return "null" end
      return tostring(value)
    end

    local function key_text(key)
      if type(key) == "string" and match(key, "^[%a_][%w_]*$") then return key end
      return "[" .. scalar(key) .. "]"
    end

    local depth_max = 100

    --- `width`: above it, a table takes a line for each member; 0 always.
    local function text_of(value, width, indent, open)
      if type(value) ~= "table" then return scalar(value) end
      local meta = getmetatable(value)
      if type(meta) == "table" and meta.__tostring then return tostring(value) end
      if open[value] then return "<cycle>" end
      if #indent > 4 * depth_max then return "<deep>" end
      open[value] = true
      local parts = {}
      local deeper = indent .. "    "
      local length = #value
      for i = 1, length do parts[i] = text_of(rawget(value, i), width, deeper, open) end
      for _, key in ipairs(sorted_keys(value)) do
        if not (math.type(key) == "integer" and key >= 1 and key <= length) then
          parts[#parts + 1] = key_text(key) .. "=" .. text_of(rawget(value, key), width, deeper, open)
        end
      end
      open[value] = nil
      if #parts == 0 then return "{}" end
      local line = "{" .. concat(parts, ", ") .. "}"
      if width > 0 and #line <= width and not find(line, "\n", 1, true) then return line end
      return "{\n" .. deeper .. concat(parts, ",\n" .. deeper) .. "\n" .. indent .. "}"
    end

    --- A value as a reader wants it: on one line as long as that is short.
    function M.prettystr(value) return text_of(value, M.LINE_LENGTH, "", {}) end

    --- The same with each member on a line of its own, for a difference by lines.
    function given.lines_of(value)
      if type(value) == "string" then return value end
      return text_of(value, 0, "", {})
    end

    -- Equality: the same, or tables with equal members under equal keys.

    local is_equal

    local function has_equal_key(t, key, value, seen)
      for other, its in next, t do
        if type(other) == "table" and is_equal(key, other, seen) and is_equal(value, its, seen) then return true end
      end
      return false
    end

    local function holds_all(a, b, seen)
      for key, value in next, a do
        local other = rawget(b, key)
        if other == nil and type(key) == "table" then
          if not has_equal_key(b, key, value, seen) then return false end
        elseif not is_equal(value, other, seen) then
          return false
        end
      end
      return true
    end

    function is_equal(a, b, seen)
      if rawequal(a, b) then return true end
      if type(a) ~= type(b) then return false end
      if type(a) ~= "table" then return a == b end
      if a == b then return true end
      -- Tables that are compared already are taken to be equal: what differs in them shows there.
      seen = seen or {}
      local with = seen[a]
      if with and with[b] then return true end
      if not with then
        with = {}
        seen[a] = with
      end
      with[b] = true
      if holds_all(a, b, seen) and holds_all(b, a, seen) then return true end
      with[b] = nil
      return false
    end
    given.is_equal = is_equal

    --- Whether two tables hold equal values, whatever their keys.
    function given.has_same_items(a, b)
      local rest = {}
      for _, value in next, b do rest[#rest + 1] = value end
      for _, value in next, a do
        local place
        for i, other in ipairs(rest) do
          if is_equal(value, other) then
            place = i
            break
          end
        end
        if not place then return false end
        rest[place] = rest[#rest]
        rest[#rest] = nil
      end
      return #rest == 0
    end

    M.private = {}
    return given
    """#
}
