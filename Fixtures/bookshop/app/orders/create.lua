local db = require "db"
local log = require "log"
local payments = require "payments"
local topics = require "topics"
local uuid = require "uuid"
local validate = require "validate"

local check = validate {
  book = "string",
  quantity = { type = "integer", min = 1, max = 10 },
  card = { type = "string", min = 4, max = 40 },
}

-- The order, the stock and the charge stand or fall together: what is refused after the stock was taken is
-- raised, and the transaction gives the stock back.
local function place (tx, order)
  local book = tx:one(
    "UPDATE books SET stock = stock - $2 WHERE id = $1 AND stock >= $2 RETURNING title, price",
    order.book, order.quantity)
  if not book then error { status = 409, message = "not enough copies of this book" } end
  order.id = uuid.v7()
  order.total = book.price * order.quantity
  tx:exec(
    "INSERT INTO orders (id, book, quantity, total, created_at) VALUES ($1, $2, $3, $4, $5)",
    order.id, order.book, order.quantity, order.total, os.time())
  local refusal = payments.charge(order)
  if refusal then error(refusal) end
  -- Last, so that an event that cannot be kept undoes the order. Its id makes a second attempt the same event.
  topics.append("orders_placed", {
    [order.book] = { order = order.id, book = order.book, quantity = order.quantity, total = order.total },
  }, { id = order.id })
  return { id = order.id, title = book.title, quantity = order.quantity, total = order.total }
end

-- POST /orders
return function (args)
  local order, err = check(args)
  if err then return nil, err end
  local ok, result = pcall(db.transaction, function (tx) return place(tx, order) end)
  if ok then
    defer(function () log.info("order placed", { order = result.id, total = result.total }) end)
    return result, nil, { status = 201, headers = { Location = "/orders/" .. result.id } }
  end
  if type(result) == "table" and result.status then
    return nil, result.message, { status = result.status }
  end
  error(result, 0)
end
