local validate = require "validate"

local check = validate {
  id = "integr",
  name = { type = "strnig", max = 80 },
  tags = { type = "array", items = "text" },
  age = { type = "integer", mn = 18 },
  note = { type = "string", length = 5 },
  address = { fields = { zip = { type = "sting" } } },
}

return function (args)
  return check(args)
end
