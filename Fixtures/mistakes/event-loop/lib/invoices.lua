local topics = require "topics"

return {
  add = function (order)
    topics.append("invoices", { [order.id] = order })
  end,
}
