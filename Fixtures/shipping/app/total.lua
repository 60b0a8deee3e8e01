local db = require "db"

-- How many orders each customer made.
return function (order, event)
  db.exec("CREATE TABLE IF NOT EXISTS totals (customer text PRIMARY KEY, n integer NOT NULL)")
  db.exec(
    "INSERT INTO totals (customer, n) VALUES ($1, 1) ON CONFLICT (customer) DO UPDATE SET n = n + 1", event.key)
  return { order = order.order }
end
