local db = require "db"

-- GET /books/:id
return function (args)
  local book = db.one("SELECT id, title, author, price, stock FROM books WHERE id = $1", args.id)
  if not book then return nil, "no such book", { status = 404 } end
  return book
end
