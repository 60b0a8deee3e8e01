local time = require "time"
local topics = require "topics"

-- Appends at a steady pace, far below what the storage takes, so that the delay is that of an event and not of a
-- queue.
return function (args)
  for _ = 1, args.count do
    topics.append("paced", { [args.key] = { sent = time.now(), isFirst = args.isFirst } })
    sleep(0.002)
  end
  return args.count
end
