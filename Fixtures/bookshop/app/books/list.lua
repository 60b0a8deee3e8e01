local db = require "db"
local validate = require "validate"

local check = validate {
  author = { type = "string", max = 100, optional = true },
  limit = { type = "integer", min = 1, max = 100, default = 20 },
}

-- GET /books?author=…&limit=…
return function (args)
  local wanted, err = check(args)
  if err then return nil, err end
  if wanted.author then
    return db.query(
      "SELECT id, title, author, price, stock FROM books WHERE author = $1 ORDER BY title LIMIT $2",
      wanted.author, wanted.limit)
  end
  return db.query("SELECT id, title, author, price, stock FROM books ORDER BY title LIMIT $1", wanted.limit)
end
