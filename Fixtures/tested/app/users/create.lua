local db = require "db"
local validate = require "validate"

local check = validate { name = { type = "string", min = 1 } }

return function (args)
  local wanted, err = check(args)
  if err then return nil, err end
  local user = db.transaction(function (tx)
    tx:exec("INSERT INTO users (name) VALUES ($1)", wanted.name)
    return tx:one("SELECT id, name FROM users WHERE name = $1", wanted.name)
  end)
  return user, nil, { status = 201, headers = { Location = "/users/" .. user.id } }
end
