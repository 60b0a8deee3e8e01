return {
  {"GET", "/files/:name", "hello"},
  {"GET", "/files/:dir/*rest", "hello"},
  {"GET", "/files/*path", "other"},
}
