// What an editor's Lua language server (LuaLS) is told of the globals and the built-in modules: one `---@meta`
// file each. A test compares them with what the runtime registers and with what the compiler knows.

/// A definition file.
struct Stub {
  /// The module as `require` takes it; nil for the globals.
  var module: String?
  /// LuaLS annotations, without the first line.
  var text: String

  /// `resty.jwt` → `resty/jwt.lua`, so that `require` finds it under a library folder.
  var fileName: String { (module ?? "globals").split(separator: ".").joined(separator: "/") + ".lua" }

  /// The whole file.
  var fileText: String { "---@meta\(module.map { " \($0)" } ?? "")\n\n" + text }

  /// Those of the application, in the order of their names, and those that only tests have.
  static let all: [Stub] = [
    globals, cjson, Stub(module: "cjson.safe", text: cjsonSafeText), crypto, db, flow, hmac(module: "hmac"),
    host, http,
    jwt(module: "jwt"), kv, log, request, evp, hmac(module: "resty.hmac"), jwt(module: "resty.jwt"),
    jwtValidators, time, topics, uuid, validate, luaunit, testing,
  ]
}

/// Settings for LuaLS that fit a Spacer project.
enum LuaLanguageServer {
  static let fileName = ".luarc.json"

  /// - Parameter folder: Where the stubs are, relative to the project.
  static func settings(stubsFolder folder: String) -> String {
    """
    {
      "runtime.version": "Lua 5.4",
      "runtime.path": ["app/?.lua", "lib/?.lua"],
      "runtime.builtin": {
        "io": "disable", "debug": "disable", "package": "disable", "bit32": "disable", "bit": "disable",
        "ffi": "disable", "jit": "disable"
      },
      "workspace.library": ["\(folder)"]
    }

    """
  }
}
