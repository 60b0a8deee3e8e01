local samples = require "samples"
local time = require "time"

-- From the begin of the append to the begin of its handler.
return function (payload)
  samples.add((time.now() - payload.sent) * 1000)
end
