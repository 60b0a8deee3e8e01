local luaunit = require "luaunit"
local hello = require "hello"

testT = {}

function testT.test_ret ()
    luaunit.assertEquals(hello({}), "Hello from Spacer!")
end

os.exit(luaunit.LuaUnit.run())
