return function(args)
  return { user = args.user, post = args.post }
end
