local directory = require "directory"

return function (args)
  local user = directory.find(args.id)
  if not user then
    -- A second result is the caller's mistake; the third one names a status other than 400.
    return nil, "no user " .. args.id, {status = 404}
  end
  return user
end
