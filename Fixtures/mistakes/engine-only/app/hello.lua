return function (args)
  ngx.say("hello")
  return bit.band(args.flags, 1)
end
