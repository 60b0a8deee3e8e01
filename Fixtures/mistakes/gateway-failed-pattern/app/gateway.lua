local subject = string.rep("a", 40)
local is_known = pcall(string.find, subject, string.rep("a*", 20) .. "b")
return {
  { "GET", "/hello", "hello", is_known },
}
