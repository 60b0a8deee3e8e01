local db = require "db"

-- curl -X POST localhost:3000/private/forget_sales: drops the read model, to be made again by a replay
return function ()
  return { removed = db.exec("DELETE FROM sales") }
end
