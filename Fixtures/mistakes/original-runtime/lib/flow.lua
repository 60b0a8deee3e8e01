local http = require "resty.http"
return {call = function (name) return ngx.var.spacer_internal_token end}
