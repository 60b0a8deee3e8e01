local function get(path, name)
  return {"GET", path, name}
end

return {
  {"GTE", "/hello", "hello"},
  {"GET", "hello", "hello"},
  {"GET", "/a"},
  {"GET", "/b", "hello", "extra"},
  {"GET", "/c", print},
  {"GET", "/files/*path/x", "hello"},
  {method = "GET", "/d", "hello"},
  "GET /e hello",
  get("/f/:", "hello"),
  get("/g"),
  {"/h", "GET", "hello"},
  {"GET", "/users/<id>", "hello"},
  {"GET", "/users/[id]/x", "hello"},
  {"GET", "/all/<path:rest>", "hello"},
  {"GET", nil, "hello"},
}
