-- What a count hook costs the handler of waiting/app/compute.lua: milliseconds a call with none and with one
-- that fires after 1,000 instructions and after so many that it never does.
local compute = dofile(arg[1])
local rounds = tonumber(arg[2])

local function measure()
  local start = os.clock()
  for _ = 1, rounds do compute() end
  return (os.clock() - start) / rounds * 1e3
end

local best = {}
for _ = 1, 5 do
  for index, count in ipairs { 0, 1000, 1 << 30 } do
    if count == 0 then debug.sethook() else debug.sethook(function() end, "", count) end
    local value = measure()
    best[index] = math.min(best[index] or value, value)
  end
end
print(table.concat(best, " "))
