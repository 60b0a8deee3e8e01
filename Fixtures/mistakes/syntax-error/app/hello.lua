return function (args)
  if args.name then
    return "hello " .. args.name
  return "hello"
end
