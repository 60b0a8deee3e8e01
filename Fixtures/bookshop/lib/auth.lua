local jwt = require "jwt"
local request = require "request"

local auth = {}

-- The claims of the administrator's token, or nil and why there are none.
function auth.admin ()
  local token = (request.headers["Authorization"] or ""):match("^[Bb]earer%s+(%S+)$")
  if not token then return nil, "a bearer token is required" end
  local claims, reason = jwt.decode(
    token, os.getenv("ADMIN_SECRET"), { alg = "HS256", aud = "bookshop-admin", require = { "exp" } })
  if not claims then return nil, reason end
  return claims
end

return auth
