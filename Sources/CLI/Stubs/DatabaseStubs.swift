// The module `db`.

extension Stub {
  static let db = Stub(
    module: "db",
    text: """
      ---@class spacer.db.Error what a failed statement raises; tostring gives it as text
      ---@field message string
      ---@field sqlstate? string
      ---@field detail? string
      ---@field hint? string
      ---@field constraint? string
      ---@field table? string
      ---@field column? string
      ---@field position? integer
      ---@field where? string the caller's file and line

      ---A database, or what a transaction is given.
      ---@class spacer.db.Database
      local database = {}

      ---@param sql string one statement, with $1, $2, … for the parameters
      ---@param ... any
      ---@return table<string, any>[] rows
      function database.query(sql, ...) end

      ---@param sql string
      ---@param ... any
      ---@return table<string, any>? row the first one
      function database.one(sql, ...) end

      ---@param sql string
      ---@param ... any
      ---@return integer affected how many rows
      function database.exec(sql, ...) end

      ---@class spacer.db.Transaction
      local transaction = {}

      ---@param sql string
      ---@param ... any
      ---@return table<string, any>[] rows
      function transaction:query(sql, ...) end

      ---@param sql string
      ---@param ... any
      ---@return table<string, any>? row
      function transaction:one(sql, ...) end

      ---@param sql string
      ---@param ... any
      ---@return integer affected
      function transaction:exec(sql, ...) end

      ---PostgreSQL and SQLite. The functions here are about the database `default`, or the only one.
      ---@class spacer.db
      ---@field null lightuserdata SQL's NULL, the same as `cjson.null`
      local db = {}

      ---@param sql string one statement, with $1, $2, … for the parameters
      ---@param ... any
      ---@return table<string, any>[] rows
      function db.query(sql, ...) end

      ---@param sql string
      ---@param ... any
      ---@return table<string, any>? row the first one
      function db.one(sql, ...) end

      ---@param sql string
      ---@param ... any
      ---@return integer affected how many rows
      function db.exec(sql, ...) end

      ---Commits when `fn` returns, and gives what it returns; rolls back when it raises, and raises the same.
      ---@param fn fun(tx: spacer.db.Transaction): ...
      ---@return ...
      function db.transaction(fn) end

      ---@param name string as under `databases` in application.yml
      ---@return spacer.db.Database
      function db.use(name) end

      ---A string as a parameter of bytes: bytea, blob.
      ---@param bytes string
      ---@return table
      function db.bytes(bytes) end

      ---A table as a parameter of an array type.
      ---@param items any[]
      ---@return table
      function db.array(items) end

      return db

      """)
}
