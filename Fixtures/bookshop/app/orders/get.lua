local db = require "db"

-- GET /orders/:id
return function (args)
  local order = db.one("SELECT id, book, quantity, total, created_at FROM orders WHERE id = $1", args.id)
  if not order then return nil, "no such order", { status = 404 } end
  return order
end
