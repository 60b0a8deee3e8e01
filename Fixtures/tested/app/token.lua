local kv = require "kv"
local uuid = require "uuid"

-- A token that is good for a minute.
return function ()
  local known = kv.get("token")
  if known then return { token = known, at = os.time(), age = 60 - kv.ttl("token") } end
  local token = uuid()
  kv.set("token", token, 60)
  return { token = token, at = os.time(), chance = math.random(1000000) }
end
