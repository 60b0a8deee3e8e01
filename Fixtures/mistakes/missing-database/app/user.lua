local db = require "db"

return function (args)
  return db.one("SELECT name FROM users WHERE id = $1", args.id)
end
