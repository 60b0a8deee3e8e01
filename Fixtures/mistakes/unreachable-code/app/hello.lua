return function (args)
  do return "hello" end
  print("never")
end
