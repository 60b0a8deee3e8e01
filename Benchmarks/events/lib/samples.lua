-- Of the one worker that the benchmark serves with.
local samples = { values = {}, count = 0 }

function samples.add (value) samples.values[#samples.values + 1] = value end

function samples.quantile (share)
  if #samples.values == 0 then return 0 end
  local sorted = table.move(samples.values, 1, #samples.values, 1, {})
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(#sorted * share))]
end

return samples
