// The Lua text of `require "validate"`, the part with the checks of single values: texts, numbers, booleans.
//
// A type is a function of a description and its place that returns a check; see ValidatePrelude.swift.

extension ValidateFunction {
  static let scalarsPrelude: StaticString = #"""
    local type, error, pcall, tostring, tonumber = type, error, pcall, tostring, tonumber
    local find, match = string.find, string.match
    local tointeger, mathtype, utf8len, huge = math.tointeger, math.type, utf8.len, math.huge

    -- A mistake in a description; `place` is where: ` in address.zip`.
    local function malformed(place, text)
      error({ text = place == "" and text or place .. ": " .. text }, 0)
    end

    local function quantity(count, one)
      return count == 1 and "1 " .. one or tostring(count) .. " " .. one .. "s"
    end

    local function shown(value)
      return type(value) == "string" and '"' .. value .. '"' or tostring(value)
    end

    -- Formats of strings

    local month_days = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

    local function is_date(text)
      local year, month, day = match(text, "^(%d%d%d%d)%-(%d%d)%-(%d%d)$")
      if not year then return false end
      year, month, day = tonumber(year), tonumber(month), tonumber(day)
      if month < 1 or month > 12 or day < 1 or day > month_days[month] then return false end
      local is_leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
      return month ~= 2 or day < 29 or is_leap
    end

    local function is_date_time(text)
      local date, hour, minute, second, rest =
        match(text, "^(%d%d%d%d%-%d%d%-%d%d)[Tt](%d%d):(%d%d):(%d%d)(.*)$")
      if not date or not is_date(date) then return false end
      if tonumber(hour) > 23 or tonumber(minute) > 59 or tonumber(second) > 60 then return false end
      local zone = match(rest, "^%.%d+(.*)$") or rest
      if zone == "Z" or zone == "z" then return true end
      local zone_hour, zone_minute = match(zone, "^[+-](%d%d):(%d%d)$")
      return zone_hour ~= nil and tonumber(zone_hour) < 24 and tonumber(zone_minute) < 60
    end

    local hex4 = "%x%x%x%x"
    local uuid_pattern = "^" .. hex4 .. hex4 .. "%-" .. hex4 .. "%-" .. hex4 .. "%-" .. hex4 .. "%-"
      .. hex4 .. hex4 .. hex4 .. "$"

    local formats = {
      email = { "an email address", function(text)
        return #text <= 254 and match(text, "^[^%s@%c]+@[^%s@%c.][^%s@%c]*%.[^%s@%c.]+$") ~= nil
      end },
      uuid = { "a UUID", function(text) return #text == 36 and match(text, uuid_pattern) ~= nil end },
      date = { "a date such as 2026-03-01", is_date },
      ["date-time"] = { "a date and time such as 2026-03-01T12:30:00Z", function(text)
        return #text <= 64 and is_date_time(text)
      end },
      uri = { "a URI", function(text) return match(text, "^%a[%w+.-]*:[^%s%c]+$") ~= nil end },
    }

    -- Types

    local types = {}

    local function count_option(description, name, place)
      local value = description[name]
      if value ~= nil and (mathtype(value) ~= "integer" or value < 0) then
        malformed(place, name .. " must be an integer from 0 on")
      end
      return value
    end

    local function bounds(description, place, read)
      local min, max = read(description, "min", place), read(description, "max", place)
      if min and max and min > max then malformed(place, "min is above max") end
      return min, max
    end

    local function number_option(description, name, place)
      local value = description[name]
      if value ~= nil and type(value) ~= "number" then malformed(place, name .. " must be a number") end
      return value
    end

    function types.any() return function(value) return value end end

    function types.boolean()
      return function(value)
        if type(value) == "boolean" then return value end
        if value == "true" then return true end
        if value == "false" then return false end
        return nil, "must be true or false"
      end
    end

    local function in_bounds(min, max, convert, what)
      return function(value)
        value = convert(value)
        if value == nil then return nil, what end
        if min and value < min then return nil, "must be at least " .. tostring(min) end
        if max and value > max then return nil, "must be at most " .. tostring(max) end
        return value
      end
    end

    local function to_integer(value)
      if mathtype(value) then return tointeger(value) end
      if type(value) == "string" and #value <= 20 and find(value, "^%-?%d+$") then
        return tointeger(tonumber(value))
      end
    end

    local function to_number(value)
      if type(value) == "string" and #value <= 64
        and (find(value, "^%-?%d+$") or find(value, "^%-?%d+%.%d+$")
          or find(value, "^%-?%d+[eE][+-]?%d+$") or find(value, "^%-?%d+%.%d+[eE][+-]?%d+$"))
      then
        value = tonumber(value)
      end
      if mathtype(value) and value == value and value < huge and value > -huge then return value end
    end

    function types.integer(description, place)
      local min, max = bounds(description, place, number_option)
      return in_bounds(min, max, to_integer, "must be an integer")
    end

    function types.number(description, place)
      local min, max = bounds(description, place, number_option)
      return in_bounds(min, max, to_number, "must be a number")
    end

    function types.string(description, place)
      local min, max = bounds(description, place, count_option)
      local pattern, name = description.pattern, description.format
      if pattern ~= nil then
        if type(pattern) ~= "string" then malformed(place, "pattern must be a string") end
        local is_valid, problem = pcall(find, "", pattern)
        if not is_valid then malformed(place, "pattern: " .. tostring(problem)) end
      end
      local form
      if name ~= nil then
        form = formats[name]
        if not form then malformed(place, "unknown format " .. shown(name)) end
      end
      return function(value)
        if type(value) ~= "string" then return nil, "must be a string" end
        if min or max then
          local length = utf8len(value) or #value
          if min and length < min then
            return nil, "must have at least " .. quantity(min, "character")
          end
          if max and length > max then return nil, "must have at most " .. quantity(max, "character") end
        end
        if pattern and not find(value, pattern) then return nil, "must match the pattern " .. pattern end
        if form and not form[2](value) then return nil, "must be " .. form[1] end
        return value
      end
    end

    return {
      types = types, malformed = malformed, quantity = quantity, shown = shown,
      count_option = count_option, bounds = bounds,
    }
    """#
}
