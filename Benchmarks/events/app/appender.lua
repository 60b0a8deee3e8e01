local time = require "time"
local topics = require "topics"

-- One caller: an append after the other, for so many seconds.
return function (args)
  local finish = time.monotonic() + args.seconds
  local count = 0
  local padding = ("x"):rep(args.bytes)
  while time.monotonic() < finish do
    topics.append(args.topic, { [args.key] = { sent = time.now(), padding = padding } })
    count = count + 1
  end
  return count
end
