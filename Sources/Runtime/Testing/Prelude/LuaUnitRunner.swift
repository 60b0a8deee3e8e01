// `require "luaunit"`: finding and running tests. Each preparation, test and clean-up is a call of its own, which the
// host bounds; what comes of a test is told to the host, which alone prints.

extension LuaUnitPrelude {
  static let runner: StaticString = #"""
    local given = ...
    local M, test, shared, kind_of = given.module, given.test, given.shared, given.kind_of
    local type, pairs, ipairs, tostring, select, next, rawget = type, pairs, ipairs, tostring, select, next, rawget
    local find, gsub, lower, match, sub = string.find, string.gsub, string.lower, string.match, string.sub
    local sorted_keys = given.sorted_keys
    local globals, print = _G, print

    local function is_test_name(name) return type(name) == "string" and lower(sub(name, 1, 4)) == "test" end

    --- The first function of `t` under one of the names.
    local function hook(t, ...)
      for i = 1, select("#", ...) do
        local f = t[(select(i, ...))]
        if type(f) == "function" then return f end
      end
    end

    local function suite_hook(which)
      if which == "setup" then return hook(globals, "setupSuite", "setUpSuite", "SetupSuite", "setup_suite") end
      return hook(globals, "teardownSuite", "tearDownSuite", "TeardownSuite", "teardown_suite")
    end

    --- How many single letters tell two names apart.
    local function distance(a, b)
      local row = {}
      for j = 0, #b do row[j] = j end
      for i = 1, #a do
        local diagonal = row[0]
        row[0] = i
        for j = 1, #b do
          local cost = sub(a, i, i) == sub(b, j, j) and 0 or 1
          diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
        end
      end
      return row[#b]
    end

    --- The message of a call of what is no assertion, with the name that may have been meant.
    local function with_hint(message)
      local name = match(message, "attempt to call a nil value %(%a+ '(%a[%w_]+)'%)$")
      if not name or distance(lower(sub(name, 1, 6)), "assert") > 2 then return message end
      local best, best_distance
      for _, other in ipairs(sorted_keys(M)) do
        if lower(sub(other, 1, 6)) == "assert" then
          local edits = distance(lower(name), lower(other))
          if not best or edits < best_distance then best, best_distance = other, edits end
        end
      end
      if not best or best_distance > math.max(1, (#name - 6) // 3) then return message end
      return message .. ": did you mean '" .. best .. "'?"
    end

    --- Runs a function; nil, or what went wrong: outcome, message and the rest of a result.
    local function attempt(f, ...)
      local ok, e, message, callers = test.run(f, ...)
      if ok then return nil end
      local kind, text = kind_of(e)
      if kind == "success" then return nil end
      if type(e) == "table" and rawget(e, "exit_code") then message = tostring(e) end
      local problem = { message = with_hint(message), callers = callers, outcome = "broken" }
      if kind then
        problem.outcome = kind == "skip" and "skipped" or "failed"
        problem.message = text
        if e.place and callers[1] ~= e.place then table.insert(callers, 1, e.place) end
        if e.compares then problem.expected, problem.actual = e.expected, e.actual end
      end
      return problem
    end

    local LuaUnit = { outputType = "text", verbosity = M.VERBOSITY_DEFAULT }
    LuaUnit.__index = LuaUnit
    M.LuaUnit = LuaUnit

    function LuaUnit.new() return setmetatable({}, LuaUnit) end

    -- What LuaUnit offers to say about printing: the host prints, whatever is set.
    function LuaUnit.setOutputType() end
    function LuaUnit.setVerbosity() end
    function LuaUnit.setPattern() end

    local function full_name(class, name) return class == "" and name or class .. "." .. name end

    --- Whether the options of the run let a test run. A pattern that begins with `!` leaves out.
    local function is_wanted(options, name)
      local has_positive, is_in = false, false
      for _, pattern in ipairs(options.patterns) do
        if sub(pattern, 1, 1) == "!" then
          if find(name, sub(pattern, 2)) then return false end
        else
          has_positive = true
          is_in = is_in or find(name, pattern) ~= nil
        end
      end
      return (is_in or not has_positive) and test.selects(name)
    end

    --- Classes in order, each with its tests: { class, object, { { name, function }, … } }.
    local function class_of(name, object)
      local class = { name = name, object = object, tests = {} }
      for _, key in ipairs(sorted_keys(object)) do
        if is_test_name(key) and type(object[key]) == "function" then
          class.tests[#class.tests + 1] = { key, object[key] }
        end
      end
      return class
    end

    local function function_class(tests) return { name = "", object = {}, tests = tests } end

    local function all_classes()
      local names, classes, functions = {}, {}, {}
      for name in pairs(globals) do if is_test_name(name) then names[#names + 1] = name end end
      table.sort(names)
      for _, name in ipairs(names) do
        local value = globals[name]
        if type(value) == "table" then
          classes[#classes + 1] = class_of(name, value)
        elseif type(value) == "function" then
          functions[#functions + 1] = { name, value }
        end
      end
      if #functions > 0 then classes[#classes + 1] = function_class(functions) end
      return classes
    end

    --- `TestX`, `TestX.test_a` or `test_a`; `object` in place of the global of that name.
    local function named_class(name, object)
      local class, method = match(name, "^(.-)%.(.+)$")
      local value = object
      if value == nil then value = globals[class or name] end
      if class and type(value) == "table" then
        local f = value[method]
        if type(f) ~= "function" then error("no test '" .. name .. "'", 0) end
        return { name = class, object = value, tests = { { method, f } } }
      end
      if type(value) == "table" then return class_of(name, value) end
      if type(value) == "function" then return function_class { { name, value } } end
      error("no test or class of tests '" .. name .. "'", 0)
    end

    --- The words of a command line: names of tests and patterns. What concerns output is the host's.
    local with_value = { ["-o"] = true, ["--output"] = true, ["-n"] = true, ["--name"] = true, ["-r"] = true,
      ["--repeat"] = true, ["-p"] = true, ["--pattern"] = true, ["-x"] = true, ["--exclude"] = true }
    local function read_options(words)
      local options = { names = {}, patterns = {} }
      local place = 1
      while place <= #words do
        local word = tostring(words[place])
        if with_value[word] then
          place = place + 1
          local value = words[place]
          if value and (word == "-p" or word == "--pattern") then
            options.patterns[#options.patterns + 1] = tostring(value)
          elseif value and (word == "-x" or word == "--exclude") then
            options.patterns[#options.patterns + 1] = "!" .. tostring(value)
          end
        elseif sub(word, 1, 1) ~= "-" then
          options.names[#options.names + 1] = word
        end
        place = place + 1
      end
      return options
    end

    local answer_bytes_max = 2000

    --- The last answer that a test got, for people.
    local function answer_text(answer)
      local body = gsub(sub(answer.body, 1, answer_bytes_max), "%s+$", "")
      if #answer.body > answer_bytes_max then body = body .. "…" end
      return answer.method .. " " .. answer.path .. " answered " .. answer.status .. (body == "" and "" or ": " .. body)
    end

    --- Runs one test with its preparation and clean-up, and tells what came of it.
    local function run_test(class, name, f, problem, counts)
      test.begin()
      shared.answer = nil
      if not problem then
        shared.reset()
        local object = class.object
        local set_up = hook(object, "setUp", "setup", "SetUp", "Setup", "set_up")
        local tear_down = hook(object, "tearDown", "teardown", "TearDown", "Teardown", "tear_down")
        problem = set_up and attempt(set_up, object)
        if not problem then problem = attempt(f, object) end
        local answer = shared.answer
        local later = tear_down and attempt(tear_down, object)
        -- The clean-up's own answers say nothing of the test.
        if problem then shared.answer = answer end
        if later and (not problem or problem.outcome == "skipped") then problem = later end
      end
      local result = { class = class.name, name = name, outcome = "passed" }
      for key, value in pairs(problem or {}) do result[key] = value end
      local has_failed = result.outcome == "failed" or result.outcome == "broken"
      if has_failed then
        counts.failures = counts.failures + 1
        if shared.answer then print(answer_text(shared.answer)) end
      end
      test.report(result)
    end

    local function run_class(class, options, suite_problem, counts)
      local wanted = {}
      for _, one in ipairs(class.tests) do
        if is_wanted(options, full_name(class.name, one[1])) then wanted[#wanted + 1] = one end
      end
      if #wanted == 0 then return end
      local object = class.object
      local set_up = hook(object, "setupClass", "setUpClass", "SetupClass", "SetUpClass", "setup_class")
      local tear_down = hook(object, "teardownClass", "tearDownClass", "TeardownClass", "TearDownClass",
        "teardown_class")
      shared.reset()
      local before = shared.keep()
      local problem = suite_problem or set_up and attempt(set_up, object)
      shared.keep()
      for _, one in ipairs(wanted) do run_test(class, one[1], one[2], problem, counts) end
      local later = tear_down and attempt(tear_down, object)
      if later and later.outcome ~= "skipped" then
        test.begin()
        run_test(class, "teardownClass", nil, later, counts)
      end
      shared.reset(before)
      shared.keep()
    end

    local function run_classes(classes, options)
      shared.has_run = true
      local counts = { failures = 0 }
      local set_up, tear_down = suite_hook("setup"), suite_hook("teardown")
      local problem = set_up and attempt(set_up)
      shared.keep()
      for _, class in ipairs(classes) do run_class(class, options, problem, counts) end
      local later = tear_down and attempt(tear_down)
      if later and later.outcome ~= "skipped" then
        run_test(function_class {}, "teardownSuite", nil, later, counts)
      end
      return counts.failures
    end

    local function words_of(...)
      local words = { ... }
      -- Called with a colon, or with the arguments of a command line that is not there.
      if type(words[1]) == "table" then table.remove(words, 1) end
      return words
    end

    --- Runs all tests, or those that are named; how many of them failed.
    function LuaUnit.run(...)
      local options = read_options(words_of(...))
      local classes = {}
      for _, name in ipairs(options.names) do classes[#classes + 1] = named_class(name) end
      if #options.names == 0 then classes = all_classes() end
      return run_classes(classes, options)
    end
    LuaUnit.runSuite, LuaUnit.run_suite = LuaUnit.run, LuaUnit.run
    M.run, M.runSuite = LuaUnit.run, LuaUnit.run

    --- `{ { name, object }, … }`.
    function LuaUnit.runSuiteByInstances(self, instances, words)
      if self ~= LuaUnit and getmetatable(self) ~= LuaUnit then instances, words = self, instances end
      local classes = {}
      for _, one in ipairs(instances) do classes[#classes + 1] = named_class(one[1], one[2]) end
      return run_classes(classes, read_options(words or {}))
    end
    LuaUnit.run_suite_by_instances = LuaUnit.runSuiteByInstances

    function LuaUnit.runSuiteByNames(self, names)
      if self ~= LuaUnit and getmetatable(self) ~= LuaUnit then names = self end
      return LuaUnit.run(table.unpack(names))
    end

    -- Code for early releases has the assertions as globals.
    for name, value in pairs(M) do
      if type(value) == "function" and sub(name, 1, 6) == "assert" and globals[name] == nil then globals[name] = value end
    end
    if globals.LuaUnit == nil then globals.LuaUnit = LuaUnit end
    globals.EXPORT_ASSERT_TO_GLOBALS = nil

    return M
    """#
}
