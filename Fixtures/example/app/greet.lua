-- Calls another function the way a request would: its data comes back as a copy, its error is raised here.
local flow = require "flow"

return function (args)
  local user = flow.call("users/get", {id = args.id})
  local greeting = os.getenv("GREETING") or "Hello"
  return greeting .. ", " .. user.name .. "!"
end
