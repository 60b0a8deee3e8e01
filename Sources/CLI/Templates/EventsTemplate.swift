/// A topic, a trigger that keeps a read model of it, a schedule.
enum EventsTemplate {
  static func files(_ name: ProjectName) -> [ProjectFile] {
    [
      ProjectFile(path: "app/gateway.lua", text: gateway),
      ProjectFile(path: "app/health.lua", text: APITemplate.health),
      ProjectFile(path: "app/orders/create.lua", text: create),
      ProjectFile(path: "app/private/forget.lua", text: forget),
      ProjectFile(path: "app/private/migrate.lua", text: MigrationTemplate.function),
      ProjectFile(path: "app/private/report.lua", text: report),
      ProjectFile(path: "app/totals/list.lua", text: list),
      ProjectFile(path: "app/totals/record.lua", text: record),
      ProjectFile(
        path: "lib/schema.lua",
        text: MigrationTemplate.library(
          """
            [[CREATE TABLE orders (event text PRIMARY KEY, customer text NOT NULL, total integer NOT NULL)]],
          """)),
      ProjectFile(path: "config/application.yml", text: configuration(name)),
      ProjectFile(path: "test/test_orders.lua", text: test),
      ProjectFile(path: "README.md", text: readme(name)),
    ]
  }

  private static let gateway = """
    -- Which function answers which request: method, path, the function's name.
    return {
      { "POST", "/orders", "orders/create" },
      { "GET", "/totals", "totals/list" },
      { "GET", "/health", "health" },
    }

    """

  private static let create = """
    local topics = require "topics"
    local uuid = require "uuid"
    local validate = require "validate"

    local check = validate {
      customer = { type = "string", min = 1, max = 100 },
      total = { type = "integer", min = 0 },
    }

    -- POST /orders: an order is an event, and the customer its key, so that one customer's orders stay in order
    return function (args)
      local order, err = check(args)
      if err then return nil, err end
      order.id = uuid.v7()
      topics.append("orders", { [order.customer] = order }, { id = order.id })
      return order, nil, { status = 201 }
    end

    """

  private static let record = """
    local db = require "db"

    -- The trigger of `orders`: keeps what GET /totals shows. An event can come twice, hence its id.
    return function (order, event)
      db.exec(
        "INSERT INTO orders (event, customer, total) VALUES ($1, $2, $3) ON CONFLICT (event) DO NOTHING",
        event.id, order.customer, order.total)
    end

    """

  private static let list = """
    local db = require "db"

    -- GET /totals: what each customer has ordered
    return function ()
      return db.query(
        "SELECT customer, count(*) AS orders, CAST(sum(total) AS integer) AS total "
          .. "FROM orders GROUP BY customer ORDER BY customer")
    end

    """

  private static let report = """
    local db = require "db"
    local log = require "log"

    -- Run by the schedule `nightly`.
    return function ()
      local sum = db.one("SELECT count(*) AS orders, CAST(coalesce(sum(total), 0) AS integer) AS total FROM orders")
      log.info("orders so far", sum)
    end

    """

  private static let forget = """
    local db = require "db"

    -- curl -X POST localhost:3000/private/forget: empties what GET /totals shows, to be made again by a replay
    return function ()
      return { removed = db.exec("DELETE FROM orders") }
    end

    """

  private static func configuration(_ name: ProjectName) -> String {
    """
    spacerVersion: 1
    appName: \(name.text)

    topics:
      orders:
        key: required
        schema:
          id: string
          customer: string
          total: { type: integer, min: 0 }

    # Which functions run for each event.
    events:
      orders:
        APPEND: [totals/record]

    schedules:
      nightly:
        cron: "0 3 * * *"
        function: private/report

    # Read when the application starts: DATA_FOLDER says where the data is on a server.
    logStorage:
      development: { driver: sqlite, path: "${DATA_FOLDER:-.spacer}/events.db" }
      production: { driver: sqlite, path: "${DATA_FOLDER:-.spacer}/events.db" }

    databases:
      default:
        driver: sqlite
        path: ${DATA_FOLDER:-.spacer}/\(name.lowercased).db

    # Where other programs on this machine hand in events.
    writeProxyListen: "127.0.0.1:${PROXY_PORT:-9065}"

    """
  }

  private static let test = """
    local lu = require "luaunit"

    local spacer = require "spacer"
    local schema = require "schema"

    testOrders = {}

    -- Each test has an empty database in memory, and a log without events.
    function testOrders:setUp ()
      spacer.db.sqlite()
      schema.migrate()
    end

    function testOrders:test_an_order_is_an_event ()
      local answer = spacer.request("POST", "/orders", { body = { customer = "ada", total = 30 } })
      lu.assertEquals(answer.status, 201)
      local events = spacer.appended("orders")
      lu.assertEquals(#events, 1)
      lu.assertEquals(events[1].key, "ada")
      lu.assertEquals(events[1].payload.total, 30)
    end

    function testOrders:test_the_totals_follow ()
      for _, total in ipairs { 30, 12 } do
        spacer.request("POST", "/orders", { body = { customer = "ada", total = total } })
      end
      spacer.deliver()
      lu.assertEquals(
        spacer.request("GET", "/totals").json, { data = { { customer = "ada", orders = 2, total = 42 } } })
    end

    function testOrders:test_an_event_that_comes_twice_counts_once ()
      local order = { id = "1", customer = "ada", total = 30 }
      for _ = 1, 2 do spacer.deliver("orders", order, { key = "ada", id = "1" }) end
      lu.assertEquals(spacer.request("GET", "/totals").json.data[1].orders, 1)
    end

    function testOrders:test_an_order_needs_a_customer ()
      local answer = spacer.request("POST", "/orders", { body = { total = 30 } })
      lu.assertEquals(answer.status, 400)
      lu.assertStrContains(answer.json.error.message, "customer")
    end

    os.exit(lu.LuaUnit.run())

    """

  private static func readme(_ name: ProjectName) -> String {
    """
    # \(name.text)

    A [Spacer](https://github.com/poga/spacer) application. Each order is an event of the topic `orders`, which is
    kept for good. The trigger `app/totals/record.lua` makes the table behind `GET /totals` from it, and the schedule
    `nightly` logs a sum every night.

    ```console
    $ spacer dev
    ```

    serves it on port 3000 and reloads it whenever a file is saved. In another terminal, make the tables once, and
    again after each change of `lib/schema.lua`:

    ```console
    $ curl -X POST localhost:3000/private/migrate
    {"data":{"version":1}}
    $ curl localhost:3000/orders -d '{"customer": "ada", "total": 30}'
    {"data":{…}}
    $ curl localhost:3000/totals
    {"data":[{…}]}
    $ spacer events tail orders
    …  ada  {…}
    $ spacer check
    $ spacer test
    ```

    ## Replay

    The table is only what the trigger made of the events. To make it anew, because the trigger was wrong or because
    it should hold something else, empty it and run the trigger over the log again, from the first order on. The
    application goes on serving meanwhile:

    ```console
    $ curl -X POST localhost:3000/private/forget
    {"data":{"removed":1}}
    $ spacer replay --topic orders --function totals/record --group rebuild-1
    …
    $ curl localhost:3000/totals
    {"data":[{…}]}
    ```

    Each rebuild takes a group of its own; the same group again goes on where it stopped.

    \(DeploymentTemplate.folders)
    \(DeploymentTemplate.readme(.events, name))
    """
  }
}
