return {
  { "GET", "/hello", "hello" },
  { "GET", "/wait", "wait" },
  { "GET", "/flow", "through_flow" },
  { "GET", "/loopback", "through_loopback" },
  { "GET", "/compute", "compute" },
  { "GET", "/query", "query" },
  { "GET", "/spin", "spin" },
}
