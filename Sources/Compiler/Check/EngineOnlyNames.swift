// Names that only the original's engine had (nginx with LuaJIT), or that the sandbox leaves out, each with
// what takes its place here.

/// Equivalents for what code written for the original's engine uses.
package enum EngineOnlyNames {
  /// Global tables: to read a field of one is an error.
  package static let tables: Set<String> = ["ngx", "ffi", "bit", "io", "debug"]
  /// Global functions: to call one is an error.
  package static let functions: Set<String> = ["setfenv", "getfenv", "module", "dofile", "loadfile"]

  /// What to do instead of requiring the module `name` (as written, with `.` or `/`) when the project has no
  /// such module of its own; nil when the name is not one of the engine's.
  package static func equivalent(ofModule name: String) -> String? {
    let dotted = String(name.map { $0 == "/" ? "." : $0 })
    switch dotted {
    case "ffi": return "there is no foreign function interface here; write it in plain Lua"
    case "bit", "bit32": return bitHint("")
    case "ngx": return ngxHint("")
    case "jit", "jit.opt", "jit.util", "table.new", "table.clear", "table.nkeys", "table.isempty":
      return "LuaJIT's extensions are not needed here; use plain Lua tables"
    case "resty.http", "socket.http", "ssl.https", "http.request", "requests":
      return "use require \"http\""
    case "resty.postgres", "pgmoon", "pgmoon.init", "luasql.postgres", "luasql.sqlite3", "lsqlite3",
      "lsqlite3complete", "luasql.sqlite":
      return "use require \"db\": PostgreSQL and SQLite"
    case "resty.mysql", "resty.mongol", "luasql.mysql":
      return "require \"db\" reaches PostgreSQL and SQLite; there is no client for other databases"
    case "resty.redis", "resty.memcached":
      return "there is no client for it; require \"kv\" is a store that all workers of the process share"
    case "resty.jit-uuid", "resty.uuid": return "use require \"uuid\""
    case "resty.string", "resty.random", "resty.md5", "resty.sha", "resty.sha1", "resty.sha224",
      "resty.sha256",
      "resty.sha384", "resty.sha512":
      return "use require \"crypto\""
    case "resty.lrucache", "resty.lock": return sharedStore
    case "resty.validation": return "use require \"validate\""
    case "socket", "socket.core": return noSockets
    case let other where other.hasPrefix("ngx."): return ngxHint(String(other.dropFirst(4)))
    case let other where other.hasPrefix("resty."):
      return "of resty.* there are resty.evp, resty.hmac, resty.jwt and resty.jwt-validators; "
        + "put a version in plain Lua into lib/"
    default: return nil
    }
  }

  /// Whether `require` of the name can only ever mean the engine, whatever the project holds.
  static func isEngineModule(_ name: String) -> Bool {
    name == "ffi" || name == "ngx" || name.hasPrefix("ngx.") || name.hasPrefix("jit.") || name == "jit"
  }

  /// What to do instead of `table.field`.
  static func equivalent(ofField field: String, of table: String) -> String {
    switch table {
    case "ngx": ngxHint(field)
    case "bit": bitHint(field)
    case "ffi": "there is no foreign function interface here; write it in plain Lua"
    case "io":
      switch field {
      case "write", "stderr", "stdout", "output": "print(…) writes to the log"
      default: noFiles
      }
    case "os":
      switch field {
      case "exit": "return from the function, or raise with error(…)"
      case "execute": "functions start no processes"
      default: noFiles
      }
    default:
      field == "traceback"
        ? "an uncaught error is logged with file and line; let it pass" : "there is no debug library here"
    }
  }

  /// What to do instead of calling `function`.
  static func equivalent(ofFunction function: String) -> String {
    switch function {
    case "setfenv", "getfenv": "Lua 5.4 has 'local _ENV = …' and load(text, name, \"t\", env) instead"
    case "module": "put the functions into a local table and return it"
    default: "put the file into lib/ and use require"
    }
  }

  private static let noFiles = "functions have no files; return the data, or read it from the request"
  private static let noSockets = "functions open no sockets; require \"http\" and require \"db\" do"
  private static let sharedStore = "require \"kv\" is a store that all workers share, with TTL, incr and cas"

  private static func bitHint(_ field: String) -> String {
    switch field {
    case "band": "Lua has an operator for it: a & b"
    case "bor": "Lua has an operator for it: a | b"
    case "bxor": "Lua has an operator for it: a ~ b"
    case "bnot": "Lua has an operator for it: ~a"
    case "lshift": "Lua has an operator for it: a << n"
    case "rshift": "Lua has an operator for it: a >> n"
    case "arshift": "shift with a // (1 << n)"
    case "tohex": "use string.format(\"%08x\", a)"
    default: "Lua has operators for it: & | ~ << >>, on 64-bit integers"
    }
  }

  private static func ngxHint(_ field: String) -> String {
    let head = field.prefix { $0 != "." }
    return switch head {
    case "var", "req", "arg": "request data is in the function's arguments and in require \"request\""
    case "say", "print", "flush": "return the value; it is sent as JSON"
    case "exit", "status", "OK", "HTTP_OK", "HTTP_NOT_FOUND", "HTTP_BAD_REQUEST":
      "return nil, err, { status = 404 } sets the status"
    case "header", "resp": "return value, nil, { headers = { … } } sets headers"
    case "redirect": "return nil, nil, { status = 302, headers = { Location = url } }"
    case "log", "ERR", "WARN", "NOTICE", "INFO", "DEBUG", "CRIT", "ALERT", "EMERG", "STDERR", "errlog":
      "require \"log\" has levels and fields; print(…) writes to the log too"
    case "timer", "eof": "defer(function () … end) runs after the answer is sent"
    case "sleep": "use sleep(seconds)"
    case "shared": sharedStore
    case "location", "exec": "flow.call(name, data) calls another function"
    case "thread": "flow.all { { name, data }, … } calls several functions at once"
    case "ctx": "a global set in one request lives as long as the request"
    case "null": "use require(\"cjson\").null"
    case "now": "time.now() of require \"time\" has fractions; os.time() whole seconds"
    case "time", "today", "localtime", "utctime", "http_time", "cookie_time", "update_time":
      "use os.time, os.date or os.clock"
    case "re": "use string.find, string.match and string.gsub"
    case "socket": noSockets
    case "crc32_short", "crc32_long": "write it in plain Lua; require \"crypto\" has digests"
    case "hmac_sha1", "md5", "md5_bin", "sha1_bin", "encode_base64", "decode_base64":
      "require \"crypto\" has digests, hmac and base64"
    case "": "nginx's API does not exist here; docs/functions.md lists what does"
    default: "nginx's API does not exist here; docs/functions.md lists what does"
    }
  }
}
