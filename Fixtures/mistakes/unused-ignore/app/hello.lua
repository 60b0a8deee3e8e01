return function (args)
  pritn("silenced") -- spacer: ignore undefined-global
  print("fine") -- spacer: ignore undefined-global
  return args -- spacer: ignore unused-lokal
end
