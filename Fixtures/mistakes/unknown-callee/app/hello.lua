local flow = require "flow"

return function (args)
  local ok = pcall(flow.call, "missing", {})
  return ok and flow.call("helo", args)
end
