return {
  {"GET", "/hello", "helo"},
  {"GET", "/users", "users/gte"},
}
