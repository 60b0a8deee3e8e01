local roles = require "models.roles"
return {of = function (id) return roles[id] end}
