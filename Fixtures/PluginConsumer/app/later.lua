local host = require "host"

return function (args)
  return host.later(args)
end
