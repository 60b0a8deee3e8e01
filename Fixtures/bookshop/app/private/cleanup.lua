local db = require "db"
local validate = require "validate"

local check = validate { days = { type = "integer", min = 0, default = 365 } }

-- Forgets old orders: curl -X POST localhost:3000/private/cleanup -d '{"days": 30}'
return function (args)
  local wanted, err = check(args)
  if err then return nil, err end
  return { removed = db.exec("DELETE FROM orders WHERE created_at <= $1", os.time() - wanted.days * 86400) }
end
