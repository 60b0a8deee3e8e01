local samples = require "samples"

return function () samples.count = samples.count + 1 end
