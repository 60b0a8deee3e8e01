-- One process that compiles the files named on its command line with the VM's own compiler: the limit for
-- a build that uses one core and checks nothing. (Debian's luac5.4 aborts when given a second file.)
--
-- Usage: lua5.4 compile.lua OUTPUT|-p FILE …. With -p the bytecode is dropped, else all of it is written.
local output = arg[1] ~= "-p" and assert(io.open(arg[1], "wb"))
for index = 2, #arg do
  local chunk = assert(loadfile(arg[index], "t"))
  if output then output:write(string.dump(chunk)) end
end
if output then output:close() end
