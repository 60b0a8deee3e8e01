local host = require "host"

return function (args)
  return host.greeting(args.name)
end
