-- 500 rows, built anew for each request.
return function()
  local rows = {}
  for id = 1, 500 do
    rows[id] = { id = id, name = "item " .. id }
  end
  return rows
end
