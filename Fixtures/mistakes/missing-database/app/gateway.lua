return {
  {"GET", "/users/:id", "user"},
}
