// `spacer.request` and `spacer.deliver`.

extension TestPrelude {
  /// Given what the first part gave; gives the module.
  static let requests: StaticString = #"""
    local given = ...
    local M, test, complain, encode, decode = given.module, given.test, given.complain, given.encode, given.decode
    local shared = given.shared
    local type, pairs, ipairs, tostring, tonumber, pcall = type, pairs, ipairs, tostring, tonumber, pcall
    local find, match, gmatch, sub, lower, upper = string.find, string.match, string.gmatch, string.sub, string.lower,
      string.upper
    local gsub, format, byte, concat, sort = string.gsub, string.format, string.byte, table.concat, table.sort

    local function escaped(text)
      return (gsub(tostring(text), "[^%w%-%._~]", function(c) return format("%%%02X", byte(c)) end))
    end

    --- `{ a = 1, b = { 1, 2 }, flag = true }` as `a=1&b=1&b=2&flag`.
    local function query_text(query)
      if type(query) == "string" then return query end
      local names, parts = {}, {}
      for name in pairs(query) do names[#names + 1] = name end
      sort(names, function(a, b) return tostring(a) < tostring(b) end)
      for _, name in ipairs(names) do
        local value = query[name]
        for _, one in ipairs(type(value) == "table" and value or { value }) do
          parts[#parts + 1] = escaped(name) .. (one == true and "" or "=" .. escaped(one))
        end
      end
      return concat(parts, "&")
    end

    local options_known = { headers = true, query = true, body = true }

    --- The request's bytes.
    local function request_text(method, path, options)
      local target = path
      if options.query then
        target = target .. (find(target, "?", 1, true) and "&" or "?") .. query_text(options.query)
      end
      if not match(method, "^%a+$") then complain("spacer.request: '%s' is no method", method) end
      if sub(target, 1, 1) ~= "/" or find(target, "[%c ]") then
        complain("spacer.request: a path begins with '/' and holds no spaces, which are written %%20: '%s'", target)
      end
      local lines = { upper(method) .. " " .. target .. " HTTP/1.1", "Connection: close" }
      local set = {}
      local function add(name, value)
        if find(name .. value, "[\r\n%z]") then complain("spacer.request: the header '%s' holds a line end", name) end
        set[lower(name)] = true
        lines[#lines + 1] = name .. ": " .. value
      end
      for name, value in pairs(options.headers or {}) do add(tostring(name), tostring(value)) end
      if not set.host then add("Host", "localhost") end
      local body = options.body
      if type(body) == "table" then
        body = encode(body)
        if not set["content-type"] then add("Content-Type", "application/json") end
      end
      if body ~= nil then
        if type(body) ~= "string" then
          complain("spacer.request: the body must be a table or a string, not a %s", type(body))
        end
        if not set["content-length"] and not set["transfer-encoding"] then add("Content-Length", tostring(#body)) end
      end
      return concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
    end

    local header_tag = { __index = function(headers, name)
      local plain = type(name) == "string" and lower(name)
      return plain and plain ~= name and rawget(headers, plain) or nil
    end }

    --- The data of a body in chunks.
    local function unchunked(text)
      local parts, place = {}, 1
      while true do
        local _, finish, digits = find(text, "^(%x+)[^\r]*\r\n", place)
        local size = digits and tonumber(digits, 16)
        if not size or size == 0 then return concat(parts) end
        parts[#parts + 1] = sub(text, finish + 1, finish + size)
        place = finish + size + 3
      end
    end

    --- Sends a request through the gateway and gives the answer.
    function M.request(method, path, options)
      if type(method) ~= "string" or type(path) ~= "string" then
        complain('spacer.request takes a method and a path, as in spacer.request("GET", "/users/7")')
      end
      options = options or {}
      if type(options) ~= "table" then
        complain("spacer.request: the options must be a table, not a %s", type(options))
      end
      for name in pairs(options) do
        if not options_known[name] then
          complain("spacer.request: there is no option '%s'; there are headers, query and body", tostring(name))
        end
      end
      local text = test.exchange(request_text(method, path, options))
      local head_end, body_start = find(text, "\r\n\r\n", 1, true)
      local status = match(text, "^HTTP/1%.1 (%d%d%d)")
      if not head_end or not status then complain("spacer.request: the server closed the connection without an answer") end
      local headers = setmetatable({}, header_tag)
      for name, value in gmatch(sub(text, 1, head_end - 1), "\r\n([^:\r]+):[ \t]*([^\r]*)") do
        name = lower(name)
        headers[name] = rawget(headers, name) and headers[name] .. ", " .. value or value
      end
      local response = { status = tonumber(status), headers = headers, body = sub(text, body_start + 1) }
      if headers["transfer-encoding"] == "chunked" then response.body = unchunked(response.body) end
      if response.body ~= "" and find(headers["content-type"] or "", "json", 1, true) then
        local ok, value = pcall(decode, response.body)
        if ok then response.json = value end
      end
      -- A failing test shows it: an assertion on the status alone does not tell why.
      shared.answer = { method = upper(method), path = path, status = response.status, body = response.body }
      return response
    end

    -- Events

    local function no_topic(name, topic)
      complain("spacer.%s: there is no topic '%s': list it under 'topics' in config/application.yml", name,
        tostring(topic))
    end

    --- What was appended to a topic, oldest first.
    function M.appended(topic)
      if type(topic) ~= "string" then complain("spacer.appended takes a topic's name; spacer.topics has the events of all") end
      if not test.triggers(topic) then no_topic("appended", topic) end
      local list = {}
      for _, event in ipairs(M.topics) do if event.topic == topic then list[#list + 1] = event end end
      return list
    end

    local function run_triggers(runs, topic, key, payload, id, attempt)
      local count = test.triggers(topic)
      if not count then no_topic("deliver", topic) end
      local text = encode(payload)
      for number = 1, count do
        local name, outcome, problem, result = test.trigger(topic, number, key, text, id, attempt)
        runs[#runs + 1] = {
          topic = topic, key = key, name = name, outcome = outcome, error = problem,
          result = result and decode(result),
        }
      end
    end

    local deliveries_max = 10000

    --- Runs the triggers of an event; without arguments those of everything that was appended and not delivered,
    --- and of what they append in turn. Gives the runs.
    function M.deliver(topic, payload, options)
      local runs = {}
      if topic ~= nil then
        if payload == nil then complain("spacer.deliver takes a topic and a payload, or nothing") end
        options = options or {}
        run_triggers(runs, topic, tostring(options.key or ""), payload, options.id, options.attempt or 1)
        return runs
      end
      local count = 0
      local place = 1
      while M.topics[place] do
        local event = M.topics[place]
        place = place + 1
        if not shared.delivered[event] then
          shared.delivered[event] = true
          count = count + 1
          if count > deliveries_max then
            complain("spacer.deliver: more than %d events: does a trigger append what runs it again?", deliveries_max)
          end
          run_triggers(runs, event.topic, event.key, event.payload, event.id, 1)
        end
      end
      return runs
    end

    shared.delivered = setmetatable({}, { __mode = "k" })

    return M
    """#
}
