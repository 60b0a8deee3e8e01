local lu = require "luaunit"
local spacer = require "spacer"
local helper = require "test/helper"

spacer.env.SHOP_NAME = "The Shop"
spacer.env.MAIL_URL = "https://mail.example"

TestOrders = {}

function TestOrders:test_append()
  local response = spacer.request("POST", "/orders", { body = { book = "dune", count = 2 } })
  lu.assertEquals(response.json, { data = "ordered" })
  lu.assertEquals(spacer.topics, { { topic = "orders", key = "dune", payload = { book = "dune", count = 2 } } })
end

function TestOrders:test_nothing_is_left_of_the_test_before()
  lu.assertEquals(spacer.topics, {})
  lu.assertEquals(spacer.http.requests, {})
end

function TestOrders:test_the_whole_way()
  helper.price("dune", 9.5)
  spacer.http.on("POST", "https://mail.example/*", 202)
  spacer.request("POST", "/orders", { query = { book = "dune" } })
  local runs = spacer.deliver()
  lu.assertEquals(#runs, 2)
  lu.assertEquals(runs[1].name, "orders/bill")
  lu.assertEquals(runs[2], {
    topic = "receipts", key = "dune", name = "orders/mail", outcome = "done", result = { mailed = "dune" },
  })
  lu.assertEquals(spacer.appended("receipts")[1].payload, { total = 9.5 })
  local mail = spacer.http.requests[2]
  lu.assertEquals({ mail.method, mail.url }, { "POST", "https://mail.example/send" })
  lu.assertStrContains(mail.body, "The Shop")
end

function TestOrders:test_one_event()
  spacer.http.on("*", "https://prices.example/*", 404)
  lu.assertEquals(spacer.deliver("orders", { book = "it", count = 1 }, { key = "it" }), {
    { topic = "orders", key = "it", name = "orders/bill", outcome = "refused", error = "no price for it" },
  })
  spacer.http.on("*", "https://prices.example/*", { error = "timed out" })
  local run = spacer.deliver("orders", { book = "it", count = 1 })[1]
  lu.assertEquals(run.outcome, "failed")
  lu.assertStrContains(run.error, "app/orders/bill.lua:6: http: GET https://prices.example/books/it: timed out")
end

function TestOrders:test_what_is_not_programmed_says_how()
  local run = spacer.deliver("orders", { book = "it", count = 1 })[1]
  lu.assertStrContains(run.error, 'spacer.http.on("GET", "https://prices.example/books/it", { status = 200')
end

os.exit(lu.LuaUnit.run())
