local users = require "models/users"
return {users}
