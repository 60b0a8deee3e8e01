return function (args)
  return os.getenv("GREETNG") or os.getenv("HOME")
end
