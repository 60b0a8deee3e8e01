return {
  {"POST", "/users", "users"},
}
