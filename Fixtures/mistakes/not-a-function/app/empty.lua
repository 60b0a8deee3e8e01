local function run(args)
  return args
end
run({})
