local flow = require "flow"

return function (args)
  return flow.call("empty", args)
end
