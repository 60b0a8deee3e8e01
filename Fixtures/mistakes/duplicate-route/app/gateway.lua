return {
  {"GET", "/hello", "hello"},
  {"POST", "/hello", "hello"},
  {"get", "/hello/", "hello"},
}
