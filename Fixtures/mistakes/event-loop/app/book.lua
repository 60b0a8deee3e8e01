local topics = require "topics"

return function (invoice)
  topics.append("orders", { [invoice.id] = invoice })
end
