return {
  {"GET", "/hello", "hello"},
}
