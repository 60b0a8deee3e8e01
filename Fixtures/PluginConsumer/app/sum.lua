local host = require "host"

return function (args)
  return host.sum(table.unpack(args.numbers))
end
