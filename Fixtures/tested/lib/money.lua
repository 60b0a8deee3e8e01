local M = {}

function M.round(amount)
  if amount < 0 then
    return -M.round(-amount)
  end
  return math.floor(amount * 100 + 0.5) / 100
end

return M
