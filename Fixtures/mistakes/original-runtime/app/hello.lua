local flow = require "flow"
local ok, uuid = pcall(require, "uuid")

return function (args)
  return flow.call("hello", {ok, uuid})
end
