-- What several tests share.
local spacer = require "spacer"
local M = {}

function M.price(book, price)
  spacer.http.on("GET", "https://prices.example/books/" .. book, { json = { price = price } })
end

return M
