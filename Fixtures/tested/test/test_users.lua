local lu = require "luaunit"
local spacer = require "spacer"
local db = require "db"

TestStubbed = {}

function TestStubbed:test_get()
  spacer.db.on("SELECT id, name FROM users*", function (id) return { id = id, name = "Ada" } end)
  local response = spacer.request("GET", "/users/7")
  lu.assertEquals(response.status, 200)
  lu.assertEquals(response.json, { data = { id = 7, name = "Ada" } })
  lu.assertEquals(spacer.db.statements,
    { { database = "default", sql = "SELECT id, name FROM users WHERE id = $1", params = { 7 } } })
end

function TestStubbed:test_missing()
  spacer.db.on("SELECT*", {})
  local response = spacer.request("GET", "/users/8")
  lu.assertEquals(response.status, 404)
  lu.assertEquals(response.json.error, "no such user")
end

function TestStubbed:test_database_is_away()
  spacer.db.on("SELECT*", { error = "cannot connect", sqlstate = "08001" })
  local response = spacer.request("GET", "/users/8")
  lu.assertEquals(response.status, 500)
  lu.assertStrContains(response.json.error.message or response.body, "cannot connect")
end

function TestStubbed:test_what_is_not_programmed_says_how()
  lu.assertErrorMsgContains('spacer.db.on("SELECT 1"', db.query, "SELECT 1")
end

TestReal = {}

function TestReal:setUp()
  spacer.db.sqlite()
  db.exec("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
end

function TestReal:test_create_and_get()
  local made = spacer.request("POST", "/users", { body = { name = "Grace" } })
  lu.assertEquals(made.status, 201)
  lu.assertEquals(made.headers.Location, "/users/1")
  lu.assertEquals(spacer.request("GET", made.headers.location).json.data, { id = 1, name = "Grace" })
end

function TestReal:test_is_empty_again()
  lu.assertEquals(db.one("SELECT count(*) AS n FROM users").n, 0)
  lu.assertEquals(spacer.request("POST", "/users", { body = { name = "" } }).status, 400)
end

os.exit(lu.LuaUnit.run())
