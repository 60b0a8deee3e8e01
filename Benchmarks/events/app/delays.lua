local samples = require "samples"

return function ()
  return { p50 = samples.quantile(0.5), p99 = samples.quantile(0.99), count = #samples.values, handled = samples.count }
end
