local topics = require "topics"

return function (args)
  if not args.book then return nil, "which book?" end
  topics.append("orders", { [args.book] = { book = args.book, count = args.count or 1 } })
  return "ordered"
end
