// The Lua part of `require "resty.jwt-validators"`: the functions that lua-resty-jwt documents. A validator is
// called with a claim's value, its name and the token as JSON, and returns whether the claim is fine or
// raises why not. The clock and the leeway that a module sets while it loads hold for its generation; set by
// a request they hold for that request.

extension CryptoPrelude {
  static let jwtValidators: StaticString = #"""
    local native = ...
    local M = {}

    -- MARK: Clock and leeway

    local settings = setmetatable({}, { __mode = "k" })

    local function setting(name)
      local request, shared = native.scopes()
      local own = request and settings[request]
      if own and own[name] ~= nil then return own[name] end
      local common = settings[shared]
      return common and common[name]
    end

    local function set(name, value)
      local request, shared = native.scopes()
      local scope = request or shared
      settings[scope] = settings[scope] or {}
      settings[scope][name] = value
    end

    function M.set_system_leeway(leeway)
      if type(leeway) ~= "number" or not (leeway >= 0) then
        error("set_system_leeway takes a number of seconds, not below 0", 2)
      end
      set("leeway", leeway)
    end

    function M.set_system_clock(clock)
      if type(clock) ~= "function" then
        error("set_system_clock takes a function that returns seconds since 1970", 2)
      end
      set("clock", clock)
    end

    local function time()
      local clock = setting("clock")
      if clock == nil then return (native.now()) end
      local now = clock()
      if type(now) ~= "number" then error("the clock of set_system_clock gave no number", 0) end
      return now
    end

    local function leeway_of(options)
      if options == nil then return nil end
      if type(options) ~= "table" then error("the options must be a table", 4) end
      local leeway = options.leeway
      if leeway ~= nil and (type(leeway) ~= "number" or not (leeway >= 0)) then
        error("leeway must be a number of seconds, not below 0", 4)
      end
      return leeway
    end

    local function date(seconds)
      if seconds ~= seconds or seconds < 0 or seconds > 253402300799 then return tostring(seconds) end
      return os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(seconds))
    end

    -- MARK: Making validators

    --- Adds `name` and `opt_name`. `build` makes a function that is only ever given values that are there.
    local function add(name, build)
      M[name] = function (...)
        local check = build(...)
        return function (value, claim, json)
          if value == nil then return false end
          return check(value, claim, json)
        end
      end
      M["opt_" .. name] = function (...)
        local check = build(...)
        return function (value, claim, json)
          if value == nil then return true end
          return check(value, claim, json)
        end
      end
    end

    local function need_type(value, claim, wanted)
      if type(value) ~= wanted then
        error(string.format("'%s' claim must be a %s", tostring(claim), wanted), 0)
      end
    end

    local function need_list(values, name, level)
      if type(values) ~= "table" or #values == 0 then
        error(name .. " must be a non-empty table", level + 1)
      end
      local kind = type(values[1])
      for _, value in ipairs(values) do
        if type(value) ~= kind then error(name .. " must hold values of one type", level + 1) end
      end
      return kind
    end

    local function run_check(check, value, wanted, claim)
      local ok, result = pcall(check, value, wanted)
      if not ok then
        local reason = type(result) == "string" and result:gsub("^[^\n:]+:%d+: ", "") or tostring(result)
        error(string.format("'%s' claim: %s", tostring(claim), reason), 0)
      end
      return result == true
    end

    function M.chain(...)
      local checks = table.pack(...)
      for index = 1, checks.n do
        if type(checks[index]) ~= "function" then error("chain takes functions", 2) end
      end
      return function (value, claim, json)
        for index = 1, checks.n do
          if checks[index](value, claim, json) == false then return false end
        end
        return true
      end
    end

    function M.required(check)
      if check ~= nil and type(check) ~= "function" then error("required takes a function or nothing", 2) end
      return function (value, claim, json)
        if value == nil then return false end
        if check then return check(value, claim, json) end
        return true
      end
    end

    local function need_names(names, name)
      if need_list(names, name, 3) ~= "string" then error(name .. " must hold strings", 3) end
    end

    local function payload_of(value)
      local payload = type(value) == "table" and value.payload
      return type(payload) == "table" and payload or {}
    end

    function M.require_one_of(names)
      need_names(names, "claim_keys")
      return function (value)
        local payload = payload_of(value)
        for _, name in ipairs(names) do
          if payload[name] ~= nil then return true end
        end
        error("none of these claims is there: " .. table.concat(names, ", "), 0)
      end
    end

    function M.required_claims(names)
      need_names(names, "claim_keys")
      return function (value)
        local payload = payload_of(value)
        for _, name in ipairs(names) do
          if payload[name] == nil then error("'" .. name .. "' claim is missing", 0) end
        end
        return true
      end
    end

    -- MARK: Comparing

    add("check", function (wanted, check, name, kind)
      if wanted == nil then error((name or "check_value") .. " cannot be nil", 3) end
      if type(check) ~= "function" then error("check_function must be a function", 3) end
      kind = kind or type(wanted)
      return function (value, claim)
        need_type(value, claim, kind)
        return run_check(check, value, wanted, claim)
      end
    end)

    add("equals", function (wanted)
      if wanted == nil then error("the value to equal cannot be nil", 3) end
      return function (value) return value == wanted end
    end)

    add("matches", function (pattern)
      if type(pattern) ~= "string" then error("the pattern must be a string", 3) end
      return function (value, claim)
        need_type(value, claim, "string")
        return value:match(pattern) ~= nil
      end
    end)

    local function any_of(values, check, name, kind, table_kind)
      local held = need_list(values, name or "check_values", 4)
      if type(check) ~= "function" then error("check_function must be a function", 4) end
      if table_kind and held ~= table_kind then
        error((name or "check_values") .. " must hold values of type " .. table_kind, 4)
      end
      kind = kind or held
      return function (value, claim)
        need_type(value, claim, kind)
        for _, wanted in ipairs(values) do
          if run_check(check, value, wanted, claim) then return true end
        end
        return false
      end
    end

    local function any(values, ...)
      local check = any_of(values, ...)
      return check
    end

    add("any_of", any)
    add("check_any", any)

    add("equals_any_of", function (values)
      local check = any_of(values, rawequal, "the values")
      return check
    end)

    add("matches_any_of", function (patterns)
      local check = any_of(patterns, function (value, pattern) return value:match(pattern) ~= nil end,
        "the patterns", "string", "string")
      return check
    end)

    add("contains_any_of", function (values, name)
      local check = any_of(values, function (value, part) return value:find(part, 1, true) ~= nil end,
        name, "string", "string")
      return check
    end)

    local function compare(name, holds)
      add(name, function (limit)
        if type(limit) ~= "number" then error(name .. " takes a number", 3) end
        return function (value, claim)
          need_type(value, claim, "number")
          return holds(value, limit)
        end
      end)
    end

    compare("greater_than", function (a, b) return a > b end)
    compare("greater_than_or_equal", function (a, b) return a >= b end)
    compare("less_than", function (a, b) return a < b end)
    compare("less_than_or_equal", function (a, b) return a <= b end)

    add("audience", function (audiences)
      if type(audiences) == "string" then audiences = { audiences } end
      if need_list(audiences, "audiences", 3) ~= "string" then error("audiences must hold strings", 3) end
      local wanted = {}
      for _, name in ipairs(audiences) do wanted[name] = true end
      return function (value, claim)
        if type(value) == "string" then return wanted[value] == true end
        need_type(value, claim, "table")
        local found = false
        for key, name in pairs(value) do
          if math.type(key) ~= "integer" or type(name) ~= "string" then
            error(string.format("'%s' claim must hold strings", tostring(claim)), 0)
          end
          found = found or wanted[name] == true
        end
        return found
      end
    end)

    -- MARK: Times

    local function timed(name, holds, message)
      add(name, function (options)
        local own = leeway_of(options)
        return function (value, claim)
          need_type(value, claim, "number")
          local leeway = own or setting("leeway") or 0
          if holds(value, time(), leeway) then return true end
          error(string.format(message, tostring(claim), date(value)), 0)
        end
      end)
    end

    timed("is_not_before", function (value, now, leeway) return value <= now + leeway end,
      "'%s' claim: not valid before %s")
    timed("is_not_expired", function (value, now, leeway) return value > now - leeway end,
      "'%s' claim: expired at %s")
    timed("is_at", function (value, now, leeway) return value >= now - leeway and value <= now + leeway end,
      "'%s' claim: valid only at %s")

    add("issued_at", function (options)
      local own = leeway_of(options)
      local age = options and options.max_age
      if age ~= nil and (type(age) ~= "number" or not (age >= 0)) then
        error("max_age must be a number of seconds, not below 0", 3)
      end
      return function (value, claim)
        need_type(value, claim, "number")
        local leeway, now = own or setting("leeway") or 0, time()
        if not (value >= 0 and value <= now + leeway) then
          error(string.format("'%s' claim is in the future: %s", tostring(claim), date(value)), 0)
        end
        if age and not (now - value <= age + leeway) then
          error(string.format("'%s' claim is too old: %s", tostring(claim), date(value)), 0)
        end
        return true
      end
    end)

    return M
    """#
}
