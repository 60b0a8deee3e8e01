local db = require "db"

-- Keeps the read model of `GET /sales`. An event that comes again changes nothing: it is delivered at least once.
return function (order)
  db.exec(
    "INSERT INTO sales (order_id, book, quantity, total) VALUES ($1, $2, $3, $4) ON CONFLICT (order_id) DO NOTHING",
    order.order, order.book, order.quantity, order.total)
end
