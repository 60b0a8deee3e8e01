return {
  {"GET", "/hello", "hello"},
  {"GET", "/greet/:name", "greet"},
  {"GET", "/greet", "greet"},
  {"POST", "/sum", "sum"},
  {"POST", "/later", "later"},
}
