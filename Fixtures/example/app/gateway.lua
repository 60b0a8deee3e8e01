-- Which function answers which request: HTTP method, path, function name.
local R = {
  {"GET", "/hello", "hello"},
  {"GET", "/greet/:id", "greet"},

  -- users resource
  {"GET", "/users", "users/list"},
  {"POST", "/users", "users/create"},
  {"GET", "/users/:id", "users/get"},

  -- sends back whatever it is given
  {"ANY", "/echo", "echo"},
}

return R
