local greeting = require "greetin"
local json = require "json"
local ok, uuid = pcall(require, "uuid4")

return function (args)
  return greeting.text .. json.encode(args) .. tostring(ok) .. tostring(uuid)
end
