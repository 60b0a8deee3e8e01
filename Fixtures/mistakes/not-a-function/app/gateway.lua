return {
  {"GET", "/hello", "hello"},
  {"GET", "/user", "user"},
}
