return function()
  sleep(0.05)
  return "waited"
end
