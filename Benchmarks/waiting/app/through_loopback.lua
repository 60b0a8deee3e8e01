local http = require "http"
local request = require "request"

return function()
  return http.get("http://" .. request.headers["Host"] .. "/hello"):json().data
end
