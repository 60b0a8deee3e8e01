local lu = require "luaunit"
local spacer = require "spacer"
local uuid = require "uuid"
local kv = require "kv"
local flow = require "flow"
local time = require "time"

function test_time_stands_still()
  spacer.time.freeze("2026-03-01T12:30:00Z")
  lu.assertEquals(os.time(), 1772368200)
  lu.assertEquals(os.date("!%Y-%m-%d %H:%M:%S"), "2026-03-01 12:30:00")
  sleep(5)
  spacer.time.advance(0.5)
  lu.assertEquals(time.now(), 1772368205.5)
  spacer.time.unfreeze()
  lu.assertTrue(os.time() ~= 1772368205)
end

function test_time_is_real_again()
  lu.assertTrue(os.time() ~= 1772368205)
end

function test_entries_expire_as_time_goes_on()
  spacer.time.freeze()
  local first = spacer.request("GET", "/token").json.data
  spacer.time.advance(59)
  local second = spacer.request("GET", "/token").json.data
  lu.assertEquals(second.token, first.token)
  lu.assertAlmostEquals(second.age, 59, 0.01)
  spacer.time.advance(2)
  lu.assertNotEquals(spacer.request("GET", "/token").json.data.token, first.token)
  kv.clear()
end

function test_chance_is_fixed()
  spacer.seed(7)
  local first = { uuid(), math.random(), spacer.request("GET", "/token").json.data }
  kv.clear()
  spacer.seed(7)
  local second = { uuid(), math.random(), spacer.request("GET", "/token").json.data }
  lu.assertEquals(first, second)
  kv.clear()
end

function test_answers_are_those_of_the_server()
  lu.assertEquals(spacer.request("GET", "/nowhere").json, { error = "not found" })
  local refused = spacer.request("DELETE", "/hello")
  lu.assertEquals(refused.status, 405)
  lu.assertEquals(refused.headers.allow, "GET, HEAD, OPTIONS")
  lu.assertEquals(spacer.request("HEAD", "/hello").body, "")
  lu.assertEquals(spacer.request("GET", "/hel%6Co/").body, '{"data":"Hello from Spacer!"}\n')
  lu.assertEquals(spacer.request("POST", "/orders", { body = "{" }).status, 400)
  lu.assertEquals(spacer.request("GET", "/private/secret").json.data, "inside")
  lu.assertEquals(
    spacer.request("GET", "/private/secret", { headers = { ["X-Forwarded-For"] = "192.0.2.1" } }).status, 403)
end

function test_a_request_has_the_limits_of_the_application()
  local response = spacer.request("GET", "/spin")
  lu.assertEquals(response.status, 504)
  lu.assertStrContains(response.json.error, "200 ms of processor time")
end

function test_flow_calls_the_real_function()
  lu.assertEquals(flow.call("hello"), "Hello from Spacer!")
end

function test_a_variable_that_is_not_listed()
  lu.assertErrorMsgContains("list it under 'envVar'", function () spacer.env.OTHER = "x" end)
end

-- The tests run although nobody says so.
