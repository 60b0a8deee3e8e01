local topics = require "topics"

return function (args)
  return topics.append("orders", { [args.customer] = { order = args.order, to = args.to } })
end
