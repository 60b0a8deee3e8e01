local http = require "http"

return function (receipt, event)
  http.post(os.getenv("MAIL_URL") .. "/send", {
    json = { from = os.getenv("SHOP_NAME"), text = event.key .. " costs " .. receipt.total },
  })
  return { mailed = event.key }
end
