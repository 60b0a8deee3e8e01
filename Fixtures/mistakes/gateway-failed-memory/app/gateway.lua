local routes = {}
while true do
  routes[#routes + 1] = {"GET", "/hello", ("hello"):rep(1000)}
end
