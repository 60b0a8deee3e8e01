return {
  {"GET", "/users/:id", "hello"},
  {"GET", "/users/:name", "other"},
}
