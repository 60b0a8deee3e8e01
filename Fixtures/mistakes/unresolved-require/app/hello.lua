local greeting = require "greetin"
local ok, uuid = pcall(require, "uuid4")

return function (args)
  return greeting.text .. tostring(ok) .. tostring(uuid)
end
