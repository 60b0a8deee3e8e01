return function (args)
  return "Hello from a package!"
end
