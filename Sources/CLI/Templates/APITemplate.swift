/// A resource over HTTP, its table in SQLite.
enum APITemplate {
  static func files(_ name: ProjectName) -> [ProjectFile] {
    [
      ProjectFile(path: "app/gateway.lua", text: gateway),
      ProjectFile(path: "app/health.lua", text: health),
      ProjectFile(path: "app/notes/create.lua", text: create),
      ProjectFile(path: "app/notes/delete.lua", text: delete),
      ProjectFile(path: "app/notes/get.lua", text: get),
      ProjectFile(path: "app/notes/list.lua", text: list),
      ProjectFile(path: "app/notes/update.lua", text: update),
      ProjectFile(path: "app/private/migrate.lua", text: MigrationTemplate.function),
      ProjectFile(path: "lib/note.lua", text: note),
      ProjectFile(
        path: "lib/schema.lua",
        text: MigrationTemplate.library(
          """
            [[CREATE TABLE notes (
              id text PRIMARY KEY, title text NOT NULL, body text NOT NULL, created_at bigint NOT NULL)]],
            [[CREATE INDEX notes_by_age ON notes (created_at, id)]],
          """)),
      ProjectFile(path: "config/application.yml", text: configuration(name)),
      ProjectFile(path: "test/test_notes.lua", text: test),
      ProjectFile(path: "README.md", text: readme(name)),
    ]
  }

  private static let gateway = """
    -- Which function answers which request: method, path, the function's name.
    return {
      { "GET", "/notes", "notes/list" },
      { "POST", "/notes", "notes/create" },
      { "GET", "/notes/:id", "notes/get" },
      { "PUT", "/notes/:id", "notes/update" },
      { "DELETE", "/notes/:id", "notes/delete" },
      { "GET", "/health", "health" },
    }

    """

  static let health = """
    local db = require "db"

    -- GET /health: 200 while the database answers, 500 otherwise
    return function ()
      db.one("SELECT 1")
      return "ok"
    end

    """

  private static let note = """
    local validate = require "validate"

    local note = {}

    -- What a client may say of a note.
    note.check = validate {
      title = { type = "string", min = 1, max = 200 },
      body = { type = "string", max = 10000, default = "" },
    }

    return note

    """

  private static let list = """
    local db = require "db"
    local validate = require "validate"

    local check = validate { limit = { type = "integer", min = 1, max = 100, default = 20 } }

    -- GET /notes?limit=…: the newest first
    return function (args)
      local wanted, err = check(args)
      if err then return nil, err end
      return db.query(
        "SELECT id, title, body, created_at FROM notes ORDER BY created_at DESC, id DESC LIMIT $1", wanted.limit)
    end

    """

  private static let create = """
    local db = require "db"
    local note = require "note"
    local uuid = require "uuid"

    -- POST /notes
    return function (args)
      local wanted, err = note.check(args)
      if err then return nil, err end
      local made = db.one(
        "INSERT INTO notes (id, title, body, created_at) VALUES ($1, $2, $3, $4) "
          .. "RETURNING id, title, body, created_at",
        uuid.v7(), wanted.title, wanted.body, os.time())
      return made, nil, { status = 201, headers = { Location = "/notes/" .. made.id } }
    end

    """

  private static let get = """
    local db = require "db"

    -- GET /notes/:id
    return function (args)
      local found = db.one("SELECT id, title, body, created_at FROM notes WHERE id = $1", args.id)
      if not found then return nil, "no such note", { status = 404 } end
      return found
    end

    """

  private static let update = """
    local db = require "db"
    local note = require "note"

    -- PUT /notes/:id
    return function (args)
      local wanted, err = note.check(args)
      if err then return nil, err end
      local changed = db.one(
        "UPDATE notes SET title = $2, body = $3 WHERE id = $1 RETURNING id, title, body, created_at",
        args.id, wanted.title, wanted.body)
      if not changed then return nil, "no such note", { status = 404 } end
      return changed
    end

    """

  private static let delete = """
    local db = require "db"

    -- DELETE /notes/:id
    return function (args)
      if db.exec("DELETE FROM notes WHERE id = $1", args.id) == 0 then
        return nil, "no such note", { status = 404 }
      end
      return nil, nil, { status = 204 }
    end

    """

  private static func configuration(_ name: ProjectName) -> String {
    """
    spacerVersion: 1
    appName: \(name.text)

    # Read when the application starts: DATA_FOLDER says where the data is on a server.
    databases:
      default:
        driver: sqlite
        path: ${DATA_FOLDER:-.spacer}/\(name.lowercased).db

    """
  }

  private static let test = """
    local lu = require "luaunit"

    local spacer = require "spacer"
    local schema = require "schema"

    testNotes = {}

    -- Each test has an empty database in memory.
    function testNotes:setUp ()
      spacer.db.sqlite()
      schema.migrate()
    end

    function testNotes:test_a_note_is_kept ()
      local made = spacer.request("POST", "/notes", { body = { title = "Milk" } })
      lu.assertEquals(made.status, 201)
      local found = spacer.request("GET", made.headers.Location)
      lu.assertEquals(found.json.data.title, "Milk")
      lu.assertEquals(#spacer.request("GET", "/notes").json.data, 1)
    end

    function testNotes:test_a_note_is_changed_and_deleted ()
      local place = spacer.request("POST", "/notes", { body = { title = "Milk" } }).headers.Location
      local changed = spacer.request("PUT", place, { body = { title = "Bread", body = "two" } })
      lu.assertEquals(changed.json.data.title, "Bread")
      lu.assertEquals(spacer.request("DELETE", place).status, 204)
      lu.assertEquals(spacer.request("GET", place).status, 404)
    end

    function testNotes:test_a_note_needs_a_title ()
      local answer = spacer.request("POST", "/notes", { body = { body = "no title" } })
      lu.assertEquals(answer.status, 400)
      lu.assertStrContains(answer.json.error.message, "title")
    end

    os.exit(lu.LuaUnit.run())

    """

  private static func readme(_ name: ProjectName) -> String {
    """
    # \(name.text)

    A [Spacer](https://github.com/poga/spacer) application: notes over HTTP, kept in SQLite.

    ```console
    $ spacer dev
    ```

    serves it on port 3000 and reloads it whenever a file is saved. In another terminal, make the tables once, and
    again after each change of `lib/schema.lua`:

    ```console
    $ curl -X POST localhost:3000/private/migrate
    {"data":{"version":2}}
    $ curl localhost:3000/notes -d '{"title": "Milk", "body": "two pints"}'
    {"data":{…}}
    $ curl localhost:3000/notes
    {"data":[{…}]}
    $ spacer check
    $ spacer test
    ```

    | request | |
    |---|---|
    | `GET /notes?limit=20` | the newest notes |
    | `POST /notes` | makes one of `{"title", "body"}` |
    | `GET /notes/ID`, `PUT /notes/ID`, `DELETE /notes/ID` | one note |
    | `GET /health` | 200 while the database answers |

    \(DeploymentTemplate.folders)
    \(DeploymentTemplate.readme(.api, name))
    """
  }
}
