local teams = require "models/teams"
return {name = function (id) return teams.of(id) end}
