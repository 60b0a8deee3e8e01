local http = require "http"
local log = require "log"

local payments = {}

-- Charges an order: nil, or what the customer is told, with a status.
function payments.charge (order)
  local ok, response = pcall(http.post, os.getenv("PAYMENTS_URL") .. "/charges", {
    json = { amount = order.total, card = order.card },
    headers = { ["Idempotency-Key"] = order.id },
    timeout = 0.5,
  })
  if not ok then
    log.warn("the payment service does not answer", { order = order.id, reason = tostring(response) })
    return { status = 503, message = "payments are not possible at the moment" }
  end
  if response.status == 402 then return { status = 402, message = "the card was declined" } end
  if response.status ~= 200 then return { status = 502, message = "the payment failed" } end
end

return payments
