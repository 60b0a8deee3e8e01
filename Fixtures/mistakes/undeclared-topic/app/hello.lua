local topics = require "topics"

return function (args)
  topics.append("order", { [args.id] = args })
  pcall(topics.append, "audit", { [args.id] = args })
  return "ok"
end
