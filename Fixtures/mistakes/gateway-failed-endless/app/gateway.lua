local routes = {}
local i = 1
while i ~= 0 do
  i = i + 2
end
return routes
