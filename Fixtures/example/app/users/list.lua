local directory = require "directory"

return function (args)
  return directory.search(args.q)
end
