return {
  { "GET", "/hello", "hello" },
  { "POST", "/append", "append_many" },
  { "POST", "/pace", "pace" },
  { "GET", "/delays", "delays" },
}
