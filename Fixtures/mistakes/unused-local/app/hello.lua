local json = require "cjson"

return function (args)
  local name = args.name
  return "hello"
end
