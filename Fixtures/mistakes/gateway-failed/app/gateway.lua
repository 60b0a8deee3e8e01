local prefix = nil

local function get(path, name)
  return {"GET", prefix .. path, name}
end

return {
  get("/hello", "hello"),
}
