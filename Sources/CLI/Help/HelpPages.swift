// The texts of `spacer help TOPIC` that no table gives. Paragraphs are wrapped, indented blocks stay.

enum HelpPages {
  static let functions = """
    A file under app/ is a function: app/users/get.lua is 'users/get'. It returns its handler:

      return function (args)
        return { id = args.id }
      end

    args is one table, merged from the route's parameters, the query and the body (JSON, or a form). On a clash the \
    route wins, then the query, then the body. What the handler returns is the answer:

      return value                               200  {"data": value}
      return                                     200  {}
      return nil, "name is required"             400  {"error": "name is required"}
      return nil, "no such user", {status=404}   404  {"error": "no such user"}
      return user, nil, {status=201, headers={Location="/users/7"}}
      return html, nil, {raw=true, headers={["Content-Type"]="text/html"}}
      error("the database is away")              500  the message in development only

    require "x" finds app/x.lua, then lib/x.lua, then the built-in modules: cjson, crypto, db, flow, hmac, http, jwt, \
    kv, log, request, time, topics, uuid, validate. 'spacer stubs' writes their definitions for your editor.

    Functions under app/private/ are for this machine and for flow.call only: POST /private/NAME.

    docs/lua-api.md has the rules, docs/functions.md every module with examples.

    """

  static let gateway = """
    app/gateway.lua returns the list of routes. It runs when the project is built, so it may compute them:

      return {
        { "GET", "/users/:id", "users/get" },
        { "POST", "/users", "users/create" },
      }

    'spacer routes' lists them, 'spacer routes --match GET /users/7' explains which one takes a request. A route has:

    """

  static let configuration = """
    config/application.yml, all keys. In a path, * is a name that you choose. ${NAME} and ${NAME:-default} in a value \
    are environment variables, read when the application starts. docs/application-yml.md has examples.

    """

  static let topics = """
    A topic is an append-only log. application.yml names it, and which functions run for each event:

      topics: [orders]
      events: { orders: { APPEND: [send_mail] } }
      schedules: { nightly: { cron: "0 3 * * *", function: report } }
      logStorage: { production: { driver: postgres, connString: "${DATABASE_URL}" } }

    A function appends with require("topics").append("orders", { [key] = payload }), which returns when the event is \
    stored. Another program appends by 'spacer events append' or over the write proxy.

    The trigger app/send_mail.lua is a function (payload, event). When it returns, the event is done; when it raises, \
    it is tried again, later and later; 'return nil, err' gives up at once. An event that is given up is a dead letter. \
    Events with equal keys run in their order. An event can come twice: event.id tells.

      spacer events tail orders        what there is
      spacer events lag                what is not done yet
      spacer events dead list          what failed for good
      spacer replay --topic orders     run them again

    'spacer help config topics' and 'spacer help config events' list the options; docs/events.md says what is promised.

    """

  static let deploying = """
    One file is shipped, the artifact. It needs spacer-serve and nothing of the project:

      spacer build --release           makes app.spx
      spacer run app.spx --port 8080   serves it in production mode: JSON logs, no causes in answers

    Or the runtime and the artifact as one executable:

      spacer build --release --standalone -o shop
      ./shop --port 8080

    SIGTERM finishes the requests in flight and ends the server; systemd and Docker send it. SIGHUP reads the artifact \
    again, without dropping a request: replace app.spx (by rename, as 'spacer build' does), then send it.

    A project that 'spacer init' made has a Dockerfile and a systemd unit under config/; their first lines say how they \
    are used. Secrets come from the environment: ${NAME} in application.yml is read at start, never at build.

    Databases and other services are reached by client libraries of the system, opened when an application needs them: \
    libsqlite3-0, libpq5, librdkafka1, libcurl4, libssl3 on Debian.

    """

  static let environment = """
    What Spacer reads:

      SPACER_ENV                 the environment: development, production, test or another name
      LOG_LEVEL                  debug, info, warn or error
      SPACER_INTERNAL_TOKEN      lets a service call any function by its name
      SPACER_WRITE_PROXY_TOKEN   the token of 'spacer events' and 'spacer replay' for a running server
      NO_COLOR                   no colours on a terminal

    Any other variable is read where application.yml says ${NAME}. Functions see those that 'envVar' lists, by os.getenv.

    """

  static let exitCodes = """
      0    done
      1    the project or its tests have errors, or a comparison found a difference
      2    the command line is wrong: an unknown command, option or value
      3    something is missing: a file, a port, a database, a library
      130  ended by Ctrl-C (SIGINT), 143 by SIGTERM, where work was left undone

    Diagnostics and messages go to standard error, results to standard output. --json and --format json are for tools.

    """

  static let diagnostics = """
    A finding ends with its name in brackets. '-- spacer: ignore NAME' at the end of a line silences a warning there. \
    'spacer help NAME' explains one of:

    """
}
