return function (args)
  pritn(args.name)
  count = (count or 0) + 1
  return tostrin(count), retries
end
