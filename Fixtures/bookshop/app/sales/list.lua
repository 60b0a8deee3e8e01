local db = require "db"

-- GET /sales: what was sold, from the read model
return function ()
  return db.query(
    "SELECT book, CAST(sum(quantity) AS integer) AS quantity, CAST(sum(total) AS integer) AS total "
      .. "FROM sales GROUP BY book ORDER BY book")
end
