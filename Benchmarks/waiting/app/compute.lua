-- Bound by the interpreter: calls, comparisons, arithmetic.
local function fibonacci(n)
  if n < 2 then return n end
  return fibonacci(n - 1) + fibonacci(n - 2)
end

return function()
  local sum = 0
  for i = 1, 200000 do sum = sum + i % 7 end
  return fibonacci(20) + sum
end
