// The store, the log and the checks of arguments.

extension Stub {
  static let kv = Stub(
    module: "kv",
    text: """
      ---A store that all workers of the process share.
      local kv = {}

      ---@alias spacer.kv.Value string|number|boolean|table

      ---@param key string 1 to 1024 bytes
      ---@return spacer.kv.Value? value a copy
      function kv.get(key) end

      ---@param key string
      ---@param value spacer.kv.Value up to 1 MiB
      ---@param ttl? number seconds; without it the value does not expire
      ---@return boolean
      function kv.set(key, value, ttl) end

      ---Writes where nothing is.
      ---@param key string
      ---@param value spacer.kv.Value
      ---@param ttl? number
      ---@return boolean stored
      function kv.add(key, value, ttl) end

      ---Writes where something is.
      ---@param key string
      ---@param value spacer.kv.Value
      ---@param ttl? number
      ---@return boolean stored
      function kv.replace(key, value, ttl) end

      ---@param key string
      ---@return boolean existed
      function kv.delete(key) end

      ---Adds to a number, in one step.
      ---@param key string
      ---@param by? number 1 unless given
      ---@param init? number what it starts from when there is no value; 0 unless given
      ---@param ttl? number of the new entry; one that is there keeps its own
      ---@return number sum
      function kv.incr(key, by, init, ttl) end

      ---Writes if the value is `expected`, in one step; nil stands for no value.
      ---@param key string
      ---@param expected? string|number|boolean
      ---@param value? spacer.kv.Value
      ---@param ttl? number
      ---@return boolean stored
      function kv.cas(key, expected, value, ttl) end

      ---@param key string
      ---@return number|false|nil seconds false when it does not expire, nil when there is no value
      function kv.ttl(key) end

      ---@param key string
      ---@param ttl? number seconds from now; without it the value stays
      ---@return boolean existed
      function kv.expire(key, ttl) end

      ---@return integer
      function kv.count() end

      function kv.clear() end

      ---Looks at every entry: for small stores and for looking around.
      ---@param prefix? string
      ---@param max? integer 1 to 10000; 100 unless given
      ---@return string[] keys in no order
      function kv.keys(prefix, max) end

      return kv

      """)

  static let log = Stub(
    module: "log",
    text: """
      ---Lines with a level and fields.
      ---@class spacer.log
      local log = {}

      ---@param message string
      ---@param fields? table<string, any>
      function log.debug(message, fields) end

      ---@param message string
      ---@param fields? table<string, any>
      function log.info(message, fields) end

      ---@param message string
      ---@param fields? table<string, any>
      function log.warn(message, fields) end

      ---@param message string
      ---@param fields? table<string, any>
      function log.error(message, fields) end

      ---The level in force.
      ---@return "debug"|"info"|"warn"|"error"
      function log.level() end

      ---A logger whose lines all have these fields.
      ---@param fields table<string, any>
      ---@return spacer.log
      function log.with(fields) end

      return log

      """)

  static let validate = Stub(
    module: "validate",
    text: """
      ---@alias spacer.validate.Type "string"|"integer"|"number"|"boolean"|"array"|"object"|"any"

      ---@class spacer.validate.Options
      ---@field extra? "drop"|"error"|"keep" fields that are not described

      ---@class spacer.validate.Description: spacer.validate.Options
      ---@field type? spacer.validate.Type
      ---@field optional? boolean
      ---@field default? any
      ---@field nullable? boolean
      ---@field enum? (string|number|boolean)[]
      ---@field message? string
      ---@field description? string
      ---@field min? number of a string: characters; of an array: items
      ---@field max? number
      ---@field pattern? string a Lua pattern
      ---@field format? "email"|"uuid"|"date"|"date-time"|"uri"
      ---@field items? spacer.validate.Type|spacer.validate.Description
      ---@field fields? spacer.validate.Fields

      ---@alias spacer.validate.Fields table<string, spacer.validate.Type|spacer.validate.Description>

      ---@class spacer.validate.Problems
      ---@field message string
      ---@field fields table<string, string> a text for each bad field, by its path

      ---Checks arguments by a description: `local check = validate { id = "integer" }`, then
      ---`local data, err = check(args)`.
      ---@overload fun(fields: spacer.validate.Fields, options?: spacer.validate.Options): fun(args: any): table?, spacer.validate.Problems?
      local validate = {}

      ---Checks once.
      ---@param fields spacer.validate.Fields
      ---@param args any
      ---@param options? spacer.validate.Options
      ---@return table? data a cleaned copy
      ---@return spacer.validate.Problems? problems
      function validate.check(fields, args, options) end

      return validate

      """)
}
