-- A directory of users that never changes. A real one would ask a database.
local users = {
  {id = "1", name = "Ada"},
  {id = "2", name = "Grace"},
  {id = "3", name = "Roberto"},
}

local M = {}

-- The users whose name holds `text`, or all of them without it.
function M.search(text)
  local found = {}
  for _, user in ipairs(users) do
    if not text or user.name:lower():find(text:lower(), 1, true) then
      found[#found + 1] = user
    end
  end
  return found
end

function M.find(id)
  for _, user in ipairs(users) do
    if user.id == id then
      return user
    end
  end
end

function M.nextId()
  return tostring(#users + 1)
end

return M
