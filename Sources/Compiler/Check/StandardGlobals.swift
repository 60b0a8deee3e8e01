// The global names that every function can rely on (contract, section 7).

/// Lua's own globals as the sandbox offers them, with the aliases that code for Lua 5.1 expects and the
/// runtime's own.
package enum StandardGlobals {
  package static let names: Set<String> = [
    "_G", "_VERSION", "assert", "collectgarbage", "error", "getmetatable", "ipairs", "load", "loadstring",
    "next", "pairs", "pcall", "print", "rawequal", "rawget", "rawlen", "rawset", "require", "select",
    "setmetatable", "tonumber", "tostring", "type", "unpack", "xpcall", "string", "table", "math", "utf8",
    "coroutine", "os", "sleep", "defer",
  ]

  /// Standard names that hold tables; the others, `_G` and `_VERSION` aside, are functions.
  package static let libraries: Set<String> = ["string", "table", "math", "utf8", "coroutine", "os"]

  /// What `os` keeps.
  package static let osFunctions: Set<String> = ["time", "clock", "date", "difftime", "getenv"]
}
