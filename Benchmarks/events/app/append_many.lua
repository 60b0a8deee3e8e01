local flow = require "flow"
local time = require "time"

-- So many callers at the same time; how many events they appended, and how long it took.
return function (args)
  local calls = {}
  for number = 1, args.callers do
    calls[number] = { "appender", {
      key = args.key .. number, seconds = args.seconds, bytes = args.bytes, topic = args.topic,
      keys = args.keys,
    } }
  end
  local start = time.monotonic()
  local count = 0
  for _, appended in ipairs(flow.all(calls)) do count = count + appended end
  return { count = count, seconds = time.monotonic() - start }
end
