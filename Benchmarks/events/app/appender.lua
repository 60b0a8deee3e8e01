local time = require "time"
local topics = require "topics"

-- One caller: an append after the other, for so many seconds, with so many keys in turn. The event is always the
-- same, as the peers' is, so that the append is measured and not what makes an event.
return function (args)
  local finish = time.monotonic() + args.seconds
  local count = 0
  local event = { padding = ("x"):rep(args.bytes) }
  local entries = {}
  for number = 1, args.keys do entries[number] = { [args.key .. number] = event } end
  while time.monotonic() < finish do
    topics.append(args.topic, entries[count % args.keys + 1])
    count = count + 1
  end
  return count
end
