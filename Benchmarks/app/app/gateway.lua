return {
  { "GET", "/hello", "hello" },
  { "GET", "/users/:user/posts/:post", "post" },
  { "POST", "/echo", "echo" },
  { "GET", "/list", "list" },
}
