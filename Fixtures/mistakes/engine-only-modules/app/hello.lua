local redis = require "resty.redis"
local ffi = require "ffi"
local re = require("ngx.re")
local jwt = require "resty.session"
local ok, cjson = pcall(require, "bit")

return function (args)
  return {redis, ffi, re, jwt, ok, cjson}
end
