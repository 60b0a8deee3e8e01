// `require "luaunit"`: assertions. A failed one raises a table, whose `message` tells why, and which its tag tells
// from any other error.

extension LuaUnitPrelude {
  static let assertions: StaticString = #"""
    local given = ...
    local M, is_equal, lines_of = given.module, given.is_equal, given.lines_of
    local type, error, tostring, pairs, ipairs = type, error, tostring, pairs, ipairs
    local setmetatable, getmetatable, rawequal, select = setmetatable, getmetatable, rawequal, select
    local find, lower, format, sub = string.find, string.lower, string.format, string.sub
    local huge = math.huge
    local show = M.prettystr

    local tag = { __name = "luaunit", __tostring = function(e) return e.message end }

    --- Whether an error is one of ours, and what it says: "fail", "skip" or "success".
    function given.kind_of(e)
      if type(e) == "table" and getmetatable(e) == tag then return e.kind, e.message end
    end

    local function raise(kind, message, values)
      local e = values or {}
      -- Within a coroutine the place is not among the callers of what fails in the end.
      e.kind, e.message, e.place = kind, message, given.test.place()
      error(setmetatable(e, tag), 0)
    end

    --- `extra` is the caller's own text, which comes first.
    local function fail(message, extra, values)
      if extra ~= nil then message = tostring(extra) .. "\n" .. message end
      raise("fail", message, values)
    end
    given.fail = fail

    function M.fail(message) raise("fail", message == nil and "fail() was called" or tostring(message)) end
    function M.failIf(condition, message) if condition then M.fail(message) end end
    function M.skip(message) raise("skip", message == nil and "" or tostring(message)) end
    function M.skipIf(condition, message) if condition then M.skip(message) end end
    function M.runOnlyIf(condition, message) if not condition then M.skip(message) end end
    function M.success() raise("success", "") end
    function M.successIf(condition) if condition then M.success() end end

    --- Which of two values was expected.
    local function ordered(actual, expected)
      if M.ORDER_ACTUAL_EXPECTED then return actual, expected end
      return expected, actual
    end

    local function two(first, actual, second, expected)
      local a, b = show(actual), show(expected)
      local is_long = find(a, "\n", 1, true) or find(b, "\n", 1, true) or type(actual) == "string"
        or type(expected) == "string" or type(actual) == "table" or type(expected) == "table"
      return format(is_long and "%s: %s\n%s: %s" or "%s: %s, %s: %s", second, b, first, a)
    end

    --- The message and the values of two that should be equal.
    local function differ(actual, expected, extra, what)
      actual, expected = ordered(actual, expected)
      local message = two("actual", actual, "expected", expected)
      if what then message = what .. "\n" .. message end
      fail(message, extra, { expected = lines_of(expected), actual = lines_of(actual), compares = true })
    end
    given.differ = differ

    function M.assertEquals(actual, expected, extra)
      if not is_equal(actual, expected) then differ(actual, expected, extra) end
    end

    function M.assertNotEquals(actual, expected, extra)
      if is_equal(actual, expected) then
        fail("the values are equal: " .. show(actual), extra)
      end
    end

    local function is_number(value, name, extra)
      if type(value) ~= "number" then fail(name .. " must be a number, not " .. show(value), extra) end
    end

    --- Numbers within the margin; tables by their members.
    local function is_almost(a, b, margin, extra)
      if type(a) == "table" and type(b) == "table" then
        for key, value in pairs(a) do
          if b[key] == nil or not is_almost(value, b[key], margin, extra) then return false end
        end
        for key in pairs(b) do if a[key] == nil then return false end end
        return true
      end
      if type(a) == "number" and type(b) == "number" then
        return a == b or math.abs(a - b) <= margin
      end
      return is_equal(a, b)
    end

    local function margin_of(margin, extra)
      margin = margin == nil and M.EPS or margin
      is_number(margin, "the margin", extra)
      if margin < 0 then fail("the margin must not be below 0, it is " .. show(margin), extra) end
      return margin
    end

    M.almostEquals = function(a, b, margin) return is_almost(a, b, margin_of(margin)) end

    function M.assertAlmostEquals(actual, expected, margin, extra)
      margin = margin_of(margin, extra)
      if type(actual) ~= "table" or type(expected) ~= "table" then
        is_number(actual, "the actual value", extra)
        is_number(expected, "the expected value", extra)
      end
      if is_almost(actual, expected, margin, extra) then return end
      local a, e = ordered(actual, expected)
      local far = type(a) == "number" and format(", %s apart", show(math.abs(a - e))) or ""
      fail(format("the values are not almost equal (margin %s%s)\n%s", show(margin), far,
        two("actual", a, "expected", e)), extra, { expected = lines_of(e), actual = lines_of(a), compares = true })
    end

    function M.assertNotAlmostEquals(actual, expected, margin, extra)
      margin = margin_of(margin, extra)
      if is_almost(actual, expected, margin, extra) then
        fail(format("the values are almost equal (margin %s): %s and %s", show(margin), show(actual), show(expected)),
          extra)
      end
    end

    function M.assertItemsEquals(actual, expected, extra)
      local same = type(actual) == "table" and type(expected) == "table" and given.has_same_items(actual, expected)
      if not same and not (type(actual) ~= "table" and is_equal(actual, expected)) then
        differ(actual, expected, extra, "the items of the two are not the same")
      end
    end

    -- Conditions on one value: what holds, and the words for it.

    local function expectation(name, holds, words, not_words)
      M["assert" .. name] = function(value, extra)
        if not holds(value) then fail(format("expected: %s, actual: %s", words, show(value)), extra) end
      end
      if not_words then
        M["assertNot" .. name] = function(value, extra)
          if holds(value) then fail(format("expected: %s, actual: %s", not_words, show(value)), extra) end
        end
      end
    end

    expectation("EvalToTrue", function(v) return v end, "a value that is true")
    expectation("EvalToFalse", function(v) return not v end, "a value that is false")
    expectation("True", function(v) return v == true end, "true", "anything but true")
    expectation("False", function(v) return v == false end, "false", "anything but false")
    expectation("Nil", function(v) return v == nil end, "nil", "anything but nil")
    expectation("NaN", function(v) return type(v) == "number" and v ~= v end, "nan", "anything but nan")
    expectation("Inf", function(v) return v == huge or v == -huge end, "an infinite number", "anything but infinity")
    expectation("PlusInf", function(v) return v == huge end, "inf", "anything but inf")
    expectation("MinusInf", function(v) return v == -huge end, "-inf", "anything but -inf")
    expectation("PlusZero", function(v) return v == 0 and 1 / v == huge end, "+0.0", "anything but +0.0")
    expectation("MinusZero", function(v) return v == 0 and 1 / v == -huge end, "-0.0", "anything but -0.0")

    local kinds = {
      Number = "number", String = "string", Table = "table", Boolean = "boolean", Function = "function",
      Userdata = "userdata", Thread = "thread",
    }
    for name, kind in pairs(kinds) do
      expectation("Is" .. name, function(v) return type(v) == kind end, "a " .. kind)
      local negated = "anything but a " .. kind
      M["assertNotIs" .. name] = function(value, extra)
        if type(value) == kind then fail(format("expected: %s, actual: %s", negated, show(value)), extra) end
      end
      M["assert" .. name] = M["assertIs" .. name]
      M["assertNot" .. name] = M["assertNotIs" .. name]
    end
    M.assertIsCoroutine, M.assertNotIsCoroutine = M.assertIsThread, M.assertNotIsThread
    M.assertCoroutine, M.assertNotCoroutine = M.assertIsThread, M.assertNotIsThread
    for _, name in ipairs { "Nil", "True", "False", "NaN", "Inf" } do
      M["assertIs" .. name], M["assertNotIs" .. name] = M["assert" .. name], M["assertNot" .. name]
    end
    M.assertNan, M.assertNotNan = M.assertNaN, M.assertNotNaN

    function M.assertIs(actual, expected, extra)
      if rawequal(actual, expected) then return end
      actual, expected = ordered(actual, expected)
      local same = is_equal(actual, expected) and "\nthe two are equal, and not one and the same" or ""
      fail(two("actual", actual, "expected", expected) .. same, extra)
    end

    function M.assertNotIs(actual, expected, extra)
      if rawequal(actual, expected) then fail("expected another value than " .. show(expected), extra) end
    end

    return given
    """#

  /// Texts, tables as containers, errors, and the other names of all assertions.
  static let moreAssertions: StaticString = #"""
    local given = ...
    local M, is_equal, fail, kind_of = given.module, given.is_equal, given.fail, given.kind_of
    local type, tostring, pairs, ipairs, pcall, select = type, tostring, pairs, ipairs, pcall, select
    local find, lower, format, sub, match, gsub = string.find, string.lower, string.format, string.sub, string.match,
      string.gsub
    local show, differ = M.prettystr, given.differ

    -- Texts

    local function text(value, name, extra)
      if type(value) ~= "string" then fail(name .. " must be a string, not " .. show(value), extra) end
      return value
    end

    local function contains(value, part, is_pattern, extra)
      return find(text(value, "the value", extra), text(part, "what to look for", extra), 1, not is_pattern) ~= nil
    end

    local function not_found(value, part, is_pattern, extra)
      fail(format("could not find %s %s in string %s", is_pattern and "pattern" or "substring", show(part),
        show(value)), extra)
    end

    function M.assertStrContains(value, part, is_pattern, extra)
      if not contains(value, part, is_pattern, extra) then not_found(value, part, is_pattern, extra) end
    end

    function M.assertStrIContains(value, part, extra)
      if not contains(lower(text(value, "the value", extra)), lower(text(part, "what to look for", extra))) then
        not_found(value, part, false, extra)
      end
    end

    function M.assertNotStrContains(value, part, is_pattern, extra)
      if contains(value, part, is_pattern, extra) then
        fail(format("found %s %s in string %s", is_pattern and "pattern" or "substring", show(part), show(value)),
          extra)
      end
    end

    function M.assertNotStrIContains(value, part, extra)
      if contains(lower(text(value, "the value", extra)), lower(text(part, "what to look for", extra))) then
        fail(format("found substring %s in string %s", show(part), show(value)), extra)
      end
    end

    --- The pattern must fit the whole text, or exactly from `start` to `finish`.
    function M.assertStrMatches(value, pattern, start, finish, extra)
      text(value, "the value", extra)
      local first, last = find(value, text(pattern, "the pattern", extra), start or 1)
      if first == (start or 1) and last == (finish or #value) then return end
      fail(format("could not match pattern %s with string %s", show(pattern), show(value)), extra)
    end

    -- Tables

    local function has(container, item)
      for _, value in pairs(container) do if is_equal(value, item) then return true end end
      return false
    end

    local function container(t, extra)
      if type(t) ~= "table" then fail("the container must be a table, not " .. show(t), extra) end
    end

    function M.assertTableContains(t, item, extra)
      container(t, extra)
      if not has(t, item) then fail(format("table %s does NOT contain the expected element %s", show(t), show(item)), extra) end
    end

    function M.assertNotTableContains(t, item, extra)
      container(t, extra)
      if has(t, item) then fail(format("table %s DOES contain the unwanted element %s", show(t), show(item)), extra) end
    end

    -- Errors

    --- The error that a call raises; a failure when it raises none.
    local function error_of(f, ...)
      local ok, e = pcall(f, ...)
      if ok then fail("expected an error when calling function but no error generated") end
      return e
    end

    --- An error's text, that of a failed assertion too.
    local function message_of(e)
      if kind_of(e) then return e.message end
      return type(e) == "table" and tostring(e) or e
    end

    function M.assertError(f, ...) error_of(f, ...) end

    function M.assertErrorMsgEquals(expected, f, ...)
      local e = error_of(f, ...)
      if type(e) == "table" and type(expected) == "table" then
        if not is_equal(e, expected) then differ(e, expected, nil, "the error is another one") end
        return
      end
      local message = message_of(e)
      if message ~= expected then differ(message, expected, nil, "the error's message is another one") end
    end

    --- The message without the place before it.
    function M.assertErrorMsgContentEquals(expected, f, ...)
      local message = message_of(error_of(f, ...))
      local plain = type(message) == "string" and match(message, "^[^\n]-:%d+: (.*)$") or message
      if plain ~= expected then differ(plain, expected, nil, "the error's message is another one") end
    end

    function M.assertErrorMsgContains(part, f, ...)
      local message = message_of(error_of(f, ...))
      if type(message) ~= "string" or not find(message, part, 1, true) then
        fail(format("error message expected to contain: %s\nerror message received: %s", show(part), show(message)))
      end
    end

    function M.assertErrorMsgMatches(pattern, f, ...)
      local message = message_of(error_of(f, ...))
      if type(message) ~= "string" or not match(message, "^" .. gsub(gsub(pattern, "^%^", ""), "%$$", "") .. "$") then
        fail(format("error message expected to match: %s\nerror message received: %s", show(pattern), show(message)))
      end
    end

    -- Other names: assert_equals, and those of earlier releases.

    M.assertEqual, M.assertNotEqual = M.assertEquals, M.assertNotEquals
    M.assertItemsEqual, M.assertAlmostEqual = M.assertItemsEquals, M.assertAlmostEquals
    M.assertErrorMessageEquals, M.assertErrorMessageContains = M.assertErrorMsgEquals, M.assertErrorMsgContains

    local names = {}
    for name, value in pairs(M) do
      if type(value) == "function" then names[#names + 1] = name end
    end
    for _, name in ipairs(names) do
      local other = gsub(gsub(name, "([%l%d])(%u)", "%1_%2"), "(%u)(%u%l)", "%1_%2")
      other = lower(other)
      if M[other] == nil then M[other] = M[name] end
    end
    M.assert_nan, M.assert_not_nan = M.assertNaN, M.assertNotNaN
    M.assert_is_nan, M.assert_not_is_nan = M.assertIsNaN, M.assertNotIsNaN
    M.skip_if, M.fail_if, M.run_only_if, M.success_if = M.skipIf, M.failIf, M.runOnlyIf, M.successIf

    return given
    """#
}
