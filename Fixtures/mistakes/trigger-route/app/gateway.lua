return {
  {"POST", "/bill", "hello"},
}
