// The modules that only tests have.

extension Stub {
  static let testing = Stub(
    module: "spacer",
    text: """
      ---What a test drives and programs the application with.
      ---@class spacer.testing
      ---@field topics spacer.testing.event[] what was appended, the oldest first
      ---@field env table<string, string> what `os.getenv` gives for names that `envVar` lists
      ---@field http spacer.testing.http
      ---@field db spacer.testing.db
      ---@field time spacer.testing.time
      ---@field host spacer.testing.host
      local spacer = {}

      ---@class spacer.testing.event
      ---@field topic string
      ---@field key string
      ---@field payload any
      ---@field id? string

      ---@class spacer.testing.response
      ---@field status integer
      ---@field headers table<string, string> found in any letter case
      ---@field body string
      ---@field json any the decoded body, nil where there is none

      ---Sends a request through the gateway, without a socket.
      ---@param method string
      ---@param path string with its query, or without
      ---@param options? { headers?: table<string, string>, query?: table|string, body?: any }
      ---@return spacer.testing.response
      function spacer.request(method, path, options) end

      ---@param topic string
      ---@return spacer.testing.event[]
      function spacer.appended(topic) end

      ---@class spacer.testing.run
      ---@field topic string
      ---@field key string
      ---@field name string the trigger's function
      ---@field outcome "done"|"failed"|"refused"|"timed out"|"filtered out"
      ---@field error? string
      ---@field result any

      ---Runs the triggers of an event, or without arguments of all that was appended and not delivered yet.
      ---@param topic? string
      ---@param payload? any
      ---@param options? { key?: string, id?: string, attempt?: integer }
      ---@return spacer.testing.run[]
      function spacer.deliver(topic, payload, options) end

      ---Fixes `uuid`, `math.random`, random bytes of `crypto` and trace ids.
      ---@param number integer
      function spacer.seed(number) end

      ---@class spacer.testing.http
      ---@field requests { method: string, url: string, headers: table<string, string>, body: string }[] sent so far
      spacer.http = {}

      ---Answers what functions send with `http`.
      ---@param method string `*` stands for any
      ---@param url string `*` stands for any text
      ---@param answer table|string|integer|function `{ status, headers, body, json }`, `{ error }`, or what makes one
      function spacer.http.on(method, url, answer) end

      ---@class spacer.testing.db
      ---@field statements { database: string, sql: string, params: any[] }[] run so far
      spacer.db = {}

      ---Answers statements.
      ---@param sql string `*` stands for any text
      ---@param result table|integer|function rows, a row, how many rows changed, `{ error, sqlstate }`, or what makes one
      function spacer.db.on(sql, result) end

      ---Makes an empty SQLite database in memory that statements run on.
      ---@param name? string its name under `databases`; without one all of them are made
      function spacer.db.sqlite(name) end

      ---@class spacer.testing.host
      ---@field calls { name: string, arguments: any[] }[] made so far
      spacer.host = {}

      ---Stands in for a function that a Swift program gives.
      ---@param name string
      ---@param result any the value, or a function that is given the arguments
      function spacer.host.on(name, result) end

      ---@class spacer.testing.time
      spacer.time = {}

      ---@param at? number|string seconds since 1970, or `"2026-03-01T12:30:00Z"`
      function spacer.time.freeze(at) end

      ---@param seconds number
      function spacer.time.advance(seconds) end

      ---@return number seconds since 1970
      function spacer.time.now() end

      function spacer.time.unfreeze() end

      return spacer

      """)

  static let luaunit = Stub(
    module: "luaunit",
    text: """
      ---Assertions, as LuaUnit documents them.
      ---@class luaunit
      ---@field ORDER_ACTUAL_EXPECTED boolean whether the actual value comes first, as it does unless this is false
      ---@field EPS number the margin of comparisons without one
      ---@field VERSION string
      ---@field LuaUnit { run: fun(...: string): integer } runs the tests of the file and gives the number of failures
      local luaunit = {}

      ---Runs the tests of the file.
      ---@param ... string names of tests; `-p PATTERN`, `-x PATTERN`
      ---@return integer failures
      function luaunit.run(...) end

      ---@param ... string
      ---@return integer failures
      function luaunit.runSuite(...) end

      ---@param value any
      ---@return string
      function luaunit.prettystr(value) end

      ---@param a any
      ---@param b any
      ---@param margin? number
      ---@return boolean
      function luaunit.almostEquals(a, b, margin) end


      """ + luaunitFunctions.map(\.text).joined() + "return luaunit\n")

  /// One that gives nothing: what fails is raised.
  private struct Assertion {
    var name: String
    /// As LuaLS writes them: `actual any`.
    var parameters: [String]

    var text: String {
      let names = parameters.map { String($0.prefix { $0 != " " && $0 != "?" }) }
      let lines = zip(names, parameters).map { $0 == "..." ? "---@param ... any\n" : "---@param \($1)\n" }
      return lines.joined() + "function luaunit.\(name)(\(names.joined(separator: ", "))) end\n\n"
    }
  }

  private static let luaunitFunctions: [Assertion] = {
    let why = "message? string"
    let pair = ["actual any", "expected any"]
    let error = ["expected any", "func function", "... any"]
    let shapes: [(parameters: [String], names: String)] = [
      ([why], "fail skip success"),
      (["condition any", why], "failIf skipIf runOnlyIf"),
      (["condition any"], "successIf"),
      (
        pair + [why],
        """
        assertEquals assertEqual assertNotEquals assertNotEqual assertIs assertNotIs assertItemsEquals \
        assertItemsEqual
        """
      ),
      (
        pair + ["margin? number", why], "assertAlmostEquals assertAlmostEqual assertNotAlmostEquals"
      ),
      (
        ["text string", "part string", "isPattern? boolean", why],
        "assertStrContains assertNotStrContains"
      ),
      (["text string", "part string", why], "assertStrIContains assertNotStrIContains"),
      (
        ["text string", "pattern string", "start? integer", "final? integer", why], "assertStrMatches"
      ),
      (["container table", "element any", why], "assertTableContains assertNotTableContains"),
      (["func function", "... any"], "assertError"),
      (
        error,
        """
        assertErrorMsgEquals assertErrorMessageEquals assertErrorMsgContains assertErrorMessageContains \
        assertErrorMsgMatches assertErrorMsgContentEquals
        """
      ),
      (["value any", why], "assertEvalToTrue assertEvalToFalse assertNan assertNotNan"),
    ]
    let conditions = "True False Nil NaN Inf PlusInf MinusInf PlusZero MinusZero"
    let kinds = "Number String Table Boolean Function Userdata Thread Coroutine"
    func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
    // The conditions on signs have no second name.
    let named = words(conditions) + words(kinds) + words("True False Nil NaN Inf \(kinds)").map { "Is\($0)" }
    return shapes.flatMap { shape in
      words(shape.names).map { Assertion(name: $0, parameters: shape.parameters) }
    }
      + named.flatMap { name in
        ["assert\(name)", "assertNot\(name)"].map { Assertion(name: $0, parameters: ["value any", why]) }
      }
  }()
}
