local users = require "models/users"

return function (args)
  return users.name(args.id)
end
