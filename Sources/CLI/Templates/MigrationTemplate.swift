/// How the templates with tables make and change them.
enum MigrationTemplate {
  static let function = """
    local schema = require "schema"

    -- curl -X POST localhost:3000/private/migrate: reachable from this machine only
    return function ()
      return { version = schema.migrate() }
    end

    """

  /// - Parameter migrations: The items of a Lua table, indented by two blanks.
  static func library(_ migrations: String) -> String {
    """
    local db = require "db"

    local schema = {}

    -- Each statement is run once on a database, in this order. To change a table, add a statement at the end: those
    -- that have been run are not looked at again.
    local migrations = {
    \(migrations)
    }

    -- Brings the tables up to date: the number of statements that have been run.
    function schema.migrate ()
      return db.transaction(function (tx)
        tx:exec("CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY)")
        local done = tx:one("SELECT coalesce(max(version), 0) AS version FROM migrations").version
        for version = done + 1, #migrations do
          tx:exec(migrations[version])
          tx:exec("INSERT INTO migrations (version) VALUES ($1)", version)
        end
        return math.max(done, #migrations)
      end)
    end

    return schema

    """
  }
}
