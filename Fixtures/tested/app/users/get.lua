local db = require "db"

return function (args)
  local user = db.one("SELECT id, name FROM users WHERE id = $1", tonumber(args.id))
  if not user then return nil, "no such user", { status = 404 } end
  return user
end
