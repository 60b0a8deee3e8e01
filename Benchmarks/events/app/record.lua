local samples = require "samples"
local time = require "time"

-- From the begin of the append to the begin of its handler. The first event only shows that the group has begun.
return function (payload)
  if payload.isFirst then
    samples.count = samples.count + 1
    return
  end
  samples.add((time.now() - payload.sent) * 1000)
end
