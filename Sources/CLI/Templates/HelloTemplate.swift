/// One function and a route to it.
enum HelloTemplate {
  static func files(_ name: ProjectName) -> [ProjectFile] {
    [
      ProjectFile(path: "app/gateway.lua", text: gateway),
      ProjectFile(path: "app/hello.lua", text: hello),
      ProjectFile(path: "config/application.yml", text: configuration(name)),
      ProjectFile(path: "test/test_hello.lua", text: test),
      ProjectFile(path: "README.md", text: readme(name)),
    ]
  }

  private static let gateway = """
    -- Which function answers which request: method, path, the function's name.
    return {
      { "GET", "/hello", "hello" },
    }

    """

  private static let hello = """
    local validate = require "validate"

    local check = validate { name = { type = "string", min = 1, max = 100, default = "Spacer" } }

    -- GET /hello?name=…
    return function (args)
      local wanted, err = check(args)
      if err then return nil, err end
      return "Hello from " .. wanted.name .. "!"
    end

    """

  private static func configuration(_ name: ProjectName) -> String {
    """
    spacerVersion: 1
    appName: \(name.text)

    """
  }

  private static let test = """
    local lu = require "luaunit"
    local spacer = require "spacer"
    local hello = require "hello"

    testHello = {}

    -- A function is a Lua function: call it.
    function testHello:test_function ()
      lu.assertEquals(hello {}, "Hello from Spacer!")
    end

    -- A request, as it goes through the gateway.
    function testHello:test_request ()
      local answer = spacer.request("GET", "/hello?name=Ada")
      lu.assertEquals(answer.status, 200)
      lu.assertEquals(answer.json, { data = "Hello from Ada!" })
    end

    function testHello:test_name_is_checked ()
      local answer = spacer.request("GET", "/hello?name=")
      lu.assertEquals(answer.status, 400)
      lu.assertStrContains(answer.json.error.message, "name")
    end

    os.exit(lu.LuaUnit.run())

    """

  private static func readme(_ name: ProjectName) -> String {
    """
    # \(name.text)

    A [Spacer](https://github.com/poga/spacer) application: one function, `app/hello.lua`, and a route to it.

    ```console
    $ spacer dev
    ```

    serves it on port 3000 and reloads it whenever a file is saved. In another terminal:

    ```console
    $ curl localhost:3000/hello?name=Ada
    {"data":"Hello from Ada!"}
    $ spacer check
    $ spacer test
    ```

    \(DeploymentTemplate.folders)
    \(DeploymentTemplate.readme(.hello, name))
    """
  }
}
