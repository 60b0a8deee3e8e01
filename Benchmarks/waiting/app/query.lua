local db = require "db"

return function ()
  return db.one("SELECT id, name FROM items WHERE id = $1", 42)
end
