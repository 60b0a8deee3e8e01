-- What luaunit's documentation promises of its assertions: each holds, or fails with a message that says why.
local lu = require "luaunit"

--- The message of an assertion that does not hold.
local function message(assertion, ...)
  local ok, e = pcall(assertion, ...)
  if ok then error("it holds", 2) end
  return tostring(e)
end

TestEquality = {}

function TestEquality:test_values()
  lu.assertEquals(1, 1.0)
  lu.assertEquals("a", "a")
  lu.assertEquals(nil, nil)
  lu.assertEquals(message(lu.assertEquals, 1, 2), "expected: 2, actual: 1")
  lu.assertEquals(message(lu.assertEquals, "a", 1), 'expected: 1\nactual: "a"')
  lu.assertEquals(message(lu.assertEquals, 1, 2, "of all"), "of all\nexpected: 2, actual: 1")
  lu.assertNotEquals(1, "1")
  lu.assertStrContains(message(lu.assertNotEquals, { 1 }, { 1 }), "{1}")
end

function TestEquality:test_tables()
  lu.assertEquals({ 1, { a = { "x" } } }, { 1, { a = { "x" } } })
  lu.assertEquals({ [{ 1 }] = "key" }, { [{ 1 }] = "key" })
  lu.assertNotEquals({ 1, 2 }, { 1, 2, 3 })
  lu.assertNotEquals({ 1, 2, 3 }, { 1, 2 })
  lu.assertNotEquals({ a = 1 }, { b = 1 })
  local a, b = { n = 1 }, { n = 1 }
  a.me, b.me = a, b
  lu.assertEquals(a, b)
  b.n = 2
  lu.assertNotEquals(a, b)
  local money = { __eq = function(x, y) return x.cents == y.cents end }
  lu.assertEquals(setmetatable({ cents = 1, a = 1 }, money), setmetatable({ cents = 1, b = 2 }, money))
  lu.assertEquals(message(lu.assertEquals, { a = 1 }, { a = 2 }), "expected: {a=2}\nactual: {a=1}")
end

function TestEquality:test_items()
  lu.assertItemsEquals({ 1, 2, { 3 } }, { { 3 }, 2, 1 })
  lu.assertStrContains(message(lu.assertItemsEquals, { 1, 1 }, { 1, 2 }), "items")
  lu.assertStrContains(message(lu.assertItemsEquals, { 1 }, { 1, 1 }), "items")
end

function TestEquality:test_almost()
  lu.assertAlmostEquals(0.1 + 0.2, 0.3, 1e-12)
  lu.assertAlmostEquals(1, 1.0000000000000002)
  lu.assertAlmostEquals({ 1, { 2 } }, { 1.01, { 2.01 } }, 0.02)
  lu.assertNotAlmostEquals(1, 2, 0.5)
  lu.assertStrContains(message(lu.assertAlmostEquals, 1, 2, 0.5), "margin 0.5")
  lu.assertStrContains(message(lu.assertAlmostEquals, "1", 2), "must be a number")
end

function TestEquality:test_identity()
  local t = {}
  lu.assertIs(t, t)
  lu.assertNotIs(t, {})
  lu.assertStrContains(message(lu.assertIs, t, {}), "not one and the same")
end

TestConditions = {}

function TestConditions:test_truth()
  lu.assertTrue(true)
  lu.assertFalse(false)
  lu.assertEvalToTrue(0)
  lu.assertEvalToFalse(nil)
  lu.assertNil(nil)
  lu.assertNotNil(false)
  lu.assertEquals(message(lu.assertTrue, 1), "expected: true, actual: 1")
  lu.assertEquals(message(lu.assertNil, "x"), 'expected: nil, actual: "x"')
  lu.assertEquals(message(lu.assertNotNil, nil), "expected: anything but nil, actual: nil")
end

function TestConditions:test_kinds()
  for name, value in pairs { Number = 1, String = "", Table = {}, Boolean = false, Function = print } do
    lu["assertIs" .. name](value)
    lu["assertNotIs" .. name](nil)
    lu["assert_is_" .. name:lower()](value)
    lu.assertStrContains(message(lu["assertIs" .. name], nil), "a " .. name:lower())
  end
  lu.assertIsThread(coroutine.create(print))
  lu.assertIsCoroutine(coroutine.create(print))
end

function TestConditions:test_numbers()
  lu.assertNan(0 / 0)
  lu.assertIsNaN(0 / 0)
  lu.assertNotNan(1)
  lu.assertInf(-math.huge)
  lu.assertPlusInf(math.huge)
  lu.assertMinusInf(-math.huge)
  lu.assertNotInf(1)
  lu.assertPlusZero(0.0)
  lu.assertMinusZero(-0.0)
  message(lu.assertPlusZero, -0.0)
  message(lu.assertMinusZero, 0.0)
end

TestTexts = {}

function TestTexts:test_parts()
  lu.assertStrContains("a.b", ".")
  lu.assertStrContains("abc", "%a+", true)
  lu.assertStrIContains("Hello", "hELL")
  lu.assertNotStrContains("abc", ".")
  lu.assertNotStrIContains("abc", "D")
  lu.assertStrMatches("a1", "%a%d")
  lu.assertStrMatches("xa1x", "%a%d", 2, 3)
  message(lu.assertStrMatches, "a12", "%a%d")
  lu.assertStrContains(message(lu.assertStrContains, "abc", "d"), 'could not find substring "d" in string "abc"')
end

function TestTexts:test_containers()
  lu.assertTableContains({ 1, { a = 1 } }, { a = 1 })
  lu.assertNotTableContains({ 1 }, 2)
  lu.assertStrContains(message(lu.assertTableContains, { 1 }, 2), "{1}")
end

function TestTexts:test_values_as_text()
  lu.assertEquals(lu.prettystr { 1, "two", x = { true }, ["a b"] = 1.5 }, '{1, "two", ["a b"]=1.5, x={true}}')
  lu.assertEquals(lu.prettystr('say "hi"'), "'say \"hi\"'")
  lu.assertEquals(lu.prettystr("a\nb\t\0"), [["a\nb\t\000"]])
  lu.assertEquals(lu.prettystr {}, "{}")
  local t = {}
  t.me = t
  lu.assertEquals(lu.prettystr(t), "{me=<cycle>}")
  lu.assertStrMatches(lu.prettystr { ("x"):rep(50), ("y"):rep(50) }, '{\n    "x+",\n    "y+"\n}')
end

TestErrors = {}

local function fails(e) error(e) end

function TestErrors:test_messages()
  lu.assertError(fails, "x")
  lu.assertErrorMsgEquals("test/test_luaunit.lua:134: x", fails, "x")
  lu.assertErrorMsgEquals({ code = 1 }, fails, { code = 1 })
  lu.assertErrorMsgContentEquals("x", fails, "x")
  lu.assertErrorMsgContains(": x", fails, "x")
  lu.assertErrorMsgMatches(".*:%d+: x", fails, "x")
  lu.assertErrorMsgContains("expected: 2", lu.assertEquals, 1, 2)
  lu.assertStrContains(message(lu.assertError, print), "no error")
  lu.assertStrContains(message(lu.assertErrorMsgContains, "y", fails, "x"), '"y"')
  message(lu.assertErrorMsgMatches, "x", fails, "yx")
end

function TestErrors:test_other_names()
  lu.assert_equals(1, 1)
  lu.assert_items_equals({ 1 }, { 1 })
  lu.assert_error_msg_contains("x", fails, "x")
  lu.assert_str_i_contains("A", "a")
  lu.assert_eval_to_true(1)
  lu.assert_is_nil(nil)
  assertEquals(1, 1)
  assertNotNil(LuaUnit)
end

-- Preparation, in order.

local steps = {}

function setupSuite() steps[#steps + 1] = "suite" end

TestOrder = {}
function TestOrder.setupClass() steps[#steps + 1] = "class" end
function TestOrder:setUp() steps[#steps + 1] = "set up" end
function TestOrder:tearDown() steps[#steps + 1] = "tear down" end
function TestOrder:test_1() lu.assertEquals(steps, { "suite", "class", "set up" }) end
function TestOrder:test_2() lu.assertEquals(steps, { "suite", "class", "set up", "tear down", "set up" }) end
function TestOrder:test_success() lu.success() error("not reached") end
function TestOrder:helper() error("no test") end

function test_z_function() lu.assertEquals(steps[#steps], "tear down") end

os.exit(lu.LuaUnit.run())
