local invoices = require "invoices"

return function (order)
  invoices.add(order)
end
