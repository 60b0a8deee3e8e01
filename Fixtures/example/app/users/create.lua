local directory = require "directory"

return function (args)
  if type(args.name) ~= "string" or args.name == "" then
    return nil, "name is required"
  end
  local user = {id = directory.nextId(), name = args.name}
  return user, nil, {status = 201, headers = {Location = "/users/" .. user.id}}
end
