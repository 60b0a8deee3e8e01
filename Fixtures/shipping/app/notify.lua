local log = require "log"

return function (order) log.info("thank you for your order", { order = order.order }) end
