local flow = require "flow"

return function()
  return flow.call("hello", {})
end
