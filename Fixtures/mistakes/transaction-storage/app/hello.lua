return function (args)
  return "hello"
end
