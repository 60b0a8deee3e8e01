local flow = require "flow"
local ok, uuid = pcall(require, "uuid")
local ok2, router = pcall(require, "router")

return function (args)
  return flow.call("hello", {ok, uuid, ok2, router})
end
