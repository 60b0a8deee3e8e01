local db = require "db"

local tables = {
  [[CREATE TABLE IF NOT EXISTS books (
    id text PRIMARY KEY, title text NOT NULL, author text NOT NULL,
    price integer NOT NULL CHECK (price >= 0), stock integer NOT NULL CHECK (stock >= 0))]],
  [[CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY, book text NOT NULL REFERENCES books (id), quantity integer NOT NULL,
    total integer NOT NULL, created_at bigint NOT NULL)]],
  [[CREATE TABLE IF NOT EXISTS sales (
    order_id text PRIMARY KEY, book text NOT NULL, quantity integer NOT NULL, total integer NOT NULL)]],
}

local books = {
  { "b-lua", "Programming in Lua", "Roberto Ierusalimschy", 3500, 5 },
  { "b-sicp", "Structure and Interpretation of Computer Programs", "Abelson and Sussman", 5200, 2 },
  { "b-tapl", "Types and Programming Languages", "Benjamin Pierce", 6100, 1 },
}

-- curl -X POST localhost:3000/private/migrate
return function ()
  return db.transaction(function (tx)
    for _, statement in ipairs(tables) do tx:exec(statement) end
    local added = 0
    for _, book in ipairs(books) do
      added = added + tx:exec(
        "INSERT INTO books (id, title, author, price, stock) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
        table.unpack(book))
    end
    return { added = added }
  end)
end
