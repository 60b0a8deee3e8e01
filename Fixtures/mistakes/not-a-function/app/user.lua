local User = {}

function User.get(args)
  return args.id
end

return User
