local luaunit = require "luaunit"
local spacer = require "spacer"
local hello = require "hello"

testHello = {}

function testHello.test_it_greets ()
    luaunit.assertEquals(hello({}), "Hello from a package!")
end

testGreet = {}

function testGreet.test_it_asks_the_program ()
    spacer.host.on("greeting", function (name) return "Hi, " .. name end)
    luaunit.assertEquals(spacer.request("GET", "/greet/Ada").json.data, "Hi, Ada")
    luaunit.assertEquals(spacer.host.calls, { { name = "greeting", arguments = { "Ada" } } })
end

function testGreet.test_nothing_is_left_of_another_test ()
    luaunit.assertEquals(spacer.host.calls, {})
    local answer = spacer.request("GET", "/greet/Ada")
    luaunit.assertEquals(answer.status, 500)
    luaunit.assertStrContains(answer.body, 'host.greeting is not programmed in this test: write spacer.host.on(')
end

os.exit(luaunit.LuaUnit.run())
