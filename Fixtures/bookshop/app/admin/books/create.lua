local auth = require "auth"
local db = require "db"
local uuid = require "uuid"
local validate = require "validate"

local check = validate {
  title = { type = "string", min = 1, max = 200 },
  author = { type = "string", min = 1, max = 100 },
  price = { type = "integer", min = 0 },
  stock = { type = "integer", min = 0, default = 0 },
}

-- POST /admin/books, with a token of the audience `bookshop-admin`
return function (args)
  local admin, reason = auth.admin()
  if not admin then
    return nil, reason, { status = 401, headers = { ["WWW-Authenticate"] = "Bearer" } }
  end
  local book, err = check(args)
  if err then return nil, err end
  book.id = uuid.v7()
  db.exec(
    "INSERT INTO books (id, title, author, price, stock) VALUES ($1, $2, $3, $4, $5)",
    book.id, book.title, book.author, book.price, book.stock)
  return book, nil, { status = 201, headers = { Location = "/books/" .. book.id } }
end
