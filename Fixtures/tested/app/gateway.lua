return {
  { "GET", "/hello", "hello" },
  { "GET", "/users/:id", "users/get" },
  { "POST", "/users", "users/create" },
  { "POST", "/orders", "orders/create" },
  { "GET", "/token", "token" },
  { "GET", "/spin", "spin" },
}
