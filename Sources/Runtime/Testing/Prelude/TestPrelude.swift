// The Lua parts of testing. Each is a chunk that is given a table and gives one; `shared` is the table that all of
// them use, `test` the host's functions.

/// Their texts.
enum TestPrelude {
  /// Given the host's functions, the codec of JSON and the library `os`; gives them back with the module `spacer` as
  /// `module`, which the next part adds to.
  static let spacer: StaticString = #"""
    local given = ...
    local shared, test = given.shared, given.test
    local type, error, pairs, ipairs, tostring, tonumber = type, error, pairs, ipairs, tostring, tonumber
    local setmetatable, next, floor = setmetatable, next, math.floor
    local match, format = string.match, string.format

    local M = {}
    given.module, shared.spacer = M, M

    --- A mistake in a test, with the place in the test.
    local function complain(message, ...) test.complain(format(message, ...)) end
    given.complain = complain

    local function clear(list) for key in next, list do list[key] = nil end end

    local function copy(list)
      local result = {}
      for i, value in ipairs(list) do result[i] = value end
      return result
    end

    -- Time

    M.time = {}

    local function milliseconds(value, name)
      if type(value) == "number" and value >= 0 and value < 1e11 then return floor(value * 1000 + 0.5) end
      local year, month, day, rest = match(tostring(value), "^(%d%d%d%d)-(%d%d)-(%d%d)(.*)$")
      local hour, minute, second, fraction = 0, 0, 0, nil
      if rest and rest ~= "" then
        hour, minute, second, fraction = match(rest, "^[T ](%d%d):(%d%d):(%d%d)(%.?%d*)Z$")
      end
      if not year or not hour then
        complain("spacer.time.%s takes seconds since 1970, or a time as in '2026-03-01T12:30:00Z', not %s", name,
          type(value) == "string" and "'" .. value .. "'" or tostring(value))
      end
      -- The days since 1970 of a date of the calendar in use, counted from a March.
      local y, m, d = tonumber(year), tonumber(month), tonumber(day)
      if m <= 2 then y, m = y - 1, m + 12 end
      local days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * (m - 3) + 2) // 5 + d - 719469
      return ((days * 24 + tonumber(hour)) * 60 + tonumber(minute)) * 60000 + tonumber(second) * 1000
        + floor((tonumber("0" .. (fraction or "")) or 0) * 1000)
    end

    --- Stops the time, at the present one without an argument.
    function M.time.freeze(at)
      test.freeze(at == nil and (test.now()) or milliseconds(at, "freeze"))
    end

    --- Puts the stopped time forward.
    function M.time.advance(seconds)
      local now, is_frozen = test.now()
      if not is_frozen then complain("spacer.time.advance: the time is not frozen, call spacer.time.freeze first") end
      if type(seconds) ~= "number" or seconds < 0 then
        complain("spacer.time.advance takes a number of seconds from 0 on, not %s", tostring(seconds))
      end
      test.advance(floor(seconds * 1000 + 0.5))
    end

    function M.time.unfreeze() test.freeze(nil) end

    function M.time.now() return (test.now()) / 1000 end

    -- Chance

    --- Fixes everything that is left to chance: uuid, crypto.random_bytes, math.random, trace ids.
    function M.seed(number)
      if math.type(number) ~= "integer" then complain("spacer.seed takes a whole number, not %s", tostring(number)) end
      test.seed(number)
    end

    -- Environment

    M.env = setmetatable({}, {
      __index = function(_, name) return test.get(name) end,
      __newindex = function(_, name, value)
        if not shared.variables[name] then
          complain("spacer.env: functions do not see '%s': list it under 'envVar' in config/application.yml",
            tostring(name))
        end
        if value ~= nil and type(value) ~= "string" then
          complain("spacer.env: a variable is a string, not a %s", type(value))
        end
        test.set(name, value)
      end,
    })

    -- Requests to others

    local http_stubs, requests = {}, {}
    M.http = { requests = requests }

    local function url_matches(pattern, url)
      return test.matches(pattern, url)
    end

    --- Answers requests whose method and URL fit; the last one programmed comes first.
    function M.http.on(method, url, response)
      if type(method) ~= "string" or type(url) ~= "string" or response == nil then
        complain('spacer.http.on takes a method, a URL and an answer, as in '
          .. 'spacer.http.on("GET", "https://example.org/*", { status = 200, json = {} })')
      end
      http_stubs[#http_stubs + 1] = { method = method:upper(), url = url, response = response }
    end

    local known_answers = { status = true, headers = true, body = true, json = true, error = true }

    --- What an answer that a test programmed says: status, headers, body, or the error.
    local function answer(response, request)
      if type(response) == "function" then response = response(request) end
      if type(response) == "number" then response = { status = response } end
      if type(response) == "string" then response = { body = response } end
      if type(response) ~= "table" then
        complain("the answer to %s %s must be a table, a status, a text, or a function that gives one, not a %s",
          request.method, request.url, type(response))
      end
      for name in pairs(response) do
        if not known_answers[name] then
          complain("the answer to %s %s has '%s': there are status, headers, body, json and error", request.method,
            request.url, tostring(name))
        end
      end
      if response.error then return nil, nil, nil, tostring(response.error) end
      local headers, body = {}, response.body
      for name, value in pairs(response.headers or {}) do headers[tostring(name)] = tostring(value) end
      if response.json ~= nil then
        body = given.encode(response.json)
        headers["content-type"] = headers["content-type"] or headers["Content-Type"] or "application/json"
      end
      if request.method == "HEAD" then body = "" end
      return response.status or 200, headers, tostring(body or "")
    end

    --- The answer to a request of a function's.
    function shared.http_answer(request)
      requests[#requests + 1] = request
      for i = #http_stubs, 1, -1 do
        local stub = http_stubs[i]
        if (stub.method == "*" or stub.method == request.method) and url_matches(stub.url, request.url) then
          return answer(stub.response, request)
        end
      end
      complain('http: %s %s is not programmed in this test: write spacer.http.on("%s", "%s", '
        .. '{ status = 200, json = {} })', request.method, request.url, request.method, request.url)
    end

    -- Databases

    local db_stubs, statements, real = {}, {}, {}
    M.db = { statements = statements }

    --- Text with one space where there is any, so that a statement's layout does not matter.
    local function plain(sql) return (sql:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end

    --- Answers statements whose text fits; the last one programmed comes first.
    function M.db.on(sql, result)
      if type(sql) ~= "string" or result == nil then
        complain('spacer.db.on takes a statement and a result, as in '
          .. 'spacer.db.on("SELECT * FROM users*", { { id = 7 } })')
      end
      db_stubs[#db_stubs + 1] = { sql = plain(sql), result = result }
    end

    --- Makes an empty database in memory of the name, or of all the application has.
    function M.db.sqlite(name)
      local names = { name }
      if name == nil then names = #shared.databases > 0 and shared.databases or { "default" } end
      test.sqlite(names)
      for _, one in ipairs(names) do real[one] = true end
    end

    --- Whether statements on a database are run.
    function shared.is_real(name)
      if name then return real[name] end
      return next(real) ~= nil and (real.default or #shared.databases <= 1)
    end

    function shared.note_statement(name, sql, ...)
      statements[#statements + 1] = { database = name or "default", sql = sql, params = { ... } }
    end

    local function rows_of(result)
      local rows = setmetatable({}, given.array_tag)
      if type(result) == "table" then
        if result[1] == nil and next(result) ~= nil then result = { result } end
        for i, row in ipairs(result) do rows[i] = row end
      end
      return rows
    end

    --- The result of a statement; `shape` as the module `db` has it.
    function shared.db_result(shape, sql, ...)
      for i = #db_stubs, 1, -1 do
        local stub = db_stubs[i]
        if test.matches(stub.sql, plain(tostring(sql))) then
          local result = stub.result
          if type(result) == "function" then result = result(...) end
          if type(result) == "table" and result.error then
            test.fail(tostring(result.error), result.sqlstate and tostring(result.sqlstate))
          end
          local rows = rows_of(result)
          if shape == 0 then return rows end
          if shape == 1 then return rows[1] end
          return type(result) == "number" and result or #rows
        end
      end
      complain('db: this statement is not programmed in this test: %s; write spacer.db.on("%s", { … }), or run '
        .. 'statements in memory with spacer.db.sqlite()', plain(tostring(sql)), plain(tostring(sql)))
    end

    -- Functions of the host

    local host_stubs, host_calls = {}, {}
    M.host = { calls = host_calls }

    --- Stands in for a function of the program that serves the application: a value, or a function that gives it.
    function M.host.on(name, result)
      if type(name) ~= "string" then
        complain('spacer.host.on takes a name and a result, as in spacer.host.on("greeting", "hello")')
      end
      host_stubs[name] = { result = result }
    end

    function shared.host_result(name, ...)
      local stub = host_stubs[name]
      if not stub then
        complain('host.%s is not programmed in this test: write spacer.host.on("%s", function (…) … end)',
          tostring(name), tostring(name))
      end
      host_calls[#host_calls + 1] = { name = name, arguments = { ... } }
      if type(stub.result) == "function" then return (stub.result(...)) end
      return stub.result
    end

    -- Between tests

    local topics = {}
    M.topics, shared.topics = topics, topics
    local kept = { http = {}, db = {}, host = {}, real = {} }

    local function refill(list, from)
      clear(list)
      for i, value in ipairs(from) do list[i] = value end
    end

    --- What is programmed now is what the following tests begin with.
    function shared.keep()
      kept = { http = copy(http_stubs), db = copy(db_stubs), host = {}, real = {} }
      for name, stub in pairs(host_stubs) do kept.host[name] = stub end
      for name in pairs(real) do kept.real[name] = true end
      test.keep()
      return kept
    end

    --- Goes back to what an earlier `keep` kept, which the last one is without an argument.
    function shared.reset(to)
      kept = to or kept
      refill(http_stubs, kept.http)
      refill(db_stubs, kept.db)
      clear(host_stubs)
      for name, stub in pairs(kept.host) do host_stubs[name] = stub end
      clear(real)
      for name in pairs(kept.real) do real[name] = true end
      clear(topics)
      clear(requests)
      clear(statements)
      clear(host_calls)
      test.restore()
    end

    -- The end of a file

    local exit_tag = { __tostring = function(e) return "os.exit(" .. e.exit_code .. ") was called" end }

    function given.os.exit(code)
      if code == nil or code == true then code = 0 elseif code == false then code = 1 end
      error(setmetatable({ exit_code = floor(tonumber(code) or 1) }, exit_tag), 0)
    end

    --- Runs a file, and then its tests unless it did that itself.
    function shared.main(chunk)
      chunk()
      if not shared.has_run then require("luaunit").LuaUnit.run() end
    end

    return given
    """#

  /// Given the table `http` would be of and `shared`; gives the module.
  static let http: StaticString = #"""
    local native = ...
    local shared, test = native.shared, native.test
    local answer, respond, complain = shared.http_answer, test.respond, test.complain
    native.shared, native.test = nil, nil

    -- The host reads and checks the arguments as it does in a server, and describes the request.
    local module = {}
    for name, read in pairs(native) do
      module[name] = function(...)
        local request = read(...)
        local status, headers, body, problem = answer(request)
        if problem then complain("http: " .. request.method .. " " .. request.url .. ": " .. problem) end
        return respond(status, headers, body, request.url)
      end
    end
    return module
    """#

  /// Given `shared`; gives a table in which each name has a function that a test decides about.
  static let host: StaticString = #"""
    local shared = (...).shared
    return setmetatable({}, { __index = function(_, name)
      return function(...) return shared.host_result(name, ...) end
    end })
    """#

  /// Given the native functions of `db` and `shared`; gives them with those in place that a test decides about.
  static let db: StaticString = #"""
    local native = ...
    local shared, test = native.shared, native.test
    native.shared, native.test = nil, nil
    local query, begin, commit, rollback, check =
      native.query, native.transaction, native.commit, native.rollback, native.check

    --- A transaction on a database whose statements are programmed is a table with its name.
    function native.query(target, shape, sql, ...)
      local name = target or nil
      if type(target) == "table" then
        name = target.name
      elseif math.type(target) == "integer" then
        shared.note_statement(nil, sql, ...)
        return query(target, shape, sql, ...)
      end
      shared.note_statement(name, sql, ...)
      if shared.is_real(name) then return query(target, shape, sql, ...) end
      return shared.db_result(shape, sql, ...)
    end

    function native.transaction(target)
      if shared.is_real(target or nil) then return begin(target) end
      return { name = target or nil }
    end

    function native.commit(id) if type(id) ~= "table" then return commit(id) end end
    function native.rollback(id) if type(id) ~= "table" then return rollback(id) end end

    function native.check(name)
      if shared.is_real(name) then return check(name) end
      for _, known in ipairs(shared.databases) do if known == name then return end end
      test.complain("db.use: there is no database '" .. tostring(name)
        .. "' under 'databases' in config/application.yml")
    end

    return native
    """#
}
