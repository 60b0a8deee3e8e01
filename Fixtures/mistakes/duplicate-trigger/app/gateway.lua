return {
  {"GET", "/hello", "hello"},
  {"POST", "/invoice", "bill"},
}
