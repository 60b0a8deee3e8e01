// `require "luaunit"` with `--luaunit`: a LuaUnit of the user's, such as Debian's package lua-unit. Its assertions are
// used; finding, running and telling of tests stays ours, so that --filter, --tap and --coverage mean the same.

extension LuaUnitPrelude {
  /// Adds to what the parts share what LuaUnit's file finds in place of the globals: it wants the command line, output
  /// and the end of the process, none of which a test has.
  static let environment: StaticString = #"""
    local given = ...
    local setmetatable, _G, os, math = setmetatable, _G, os, math
    local nothing = function() end
    local silent = { write = nothing, flush = nothing }
    local libraries = {
      os = setmetatable({ getenv = nothing, clock = os.time }, { __index = os }),
      -- The seed is a test's to set.
      math = setmetatable({ randomseed = nothing }, { __index = math }),
      io = { stdout = silent, stderr = silent, open = function() return nil, "a test opens no files" end },
      debug = { traceback = function(message) return message end },
      require = function(name) return _G[name] end,
    }
    given.environment = setmetatable(libraries, { __index = _G, __newindex = _G })
    return given
    """#

  /// Stands before the file's text, in its first line, so that its lines keep their numbers.
  static let environmentLine: StaticString = "local _ENV = (...).environment; "

  /// Takes `given.module` as the module: what its assertions raise are texts, each with a mark.
  static let installed: StaticString = #"""
    local given = ...
    local M = given.module
    local type, find, sub, match = type, string.find, string.sub, string.match
    local marks = {}
    for name, kind in pairs { FAILURE_PREFIX = "fail", SKIP_PREFIX = "skip", SUCCESS_PREFIX = "success" } do
      if type(M) ~= "table" or type(M.LuaUnit) ~= "table" or type(M[name]) ~= "string" then
        error("it is no LuaUnit of release 3.3 or later", 0)
      end
      marks[#marks + 1] = { M[name], kind }
    end

    function given.kind_of(e)
      if type(e) ~= "string" then return nil end
      for _, mark in ipairs(marks) do
        local first, last = find(e, mark[1], 1, true)
        -- What stands before is the place, or a text of the caller's own.
        if first then return mark[2], (match(sub(e, 1, first - 1), "^[^\n]-:%d+: (.*)$") or "") .. sub(e, last + 1) end
      end
    end
    return given
    """#

  /// What a test gets when the user's file is of no use.
  static let refused: StaticString = #"""
    local why = "cannot load " .. (...).path .. ", which --luaunit names: " .. tostring((...).problem)
      .. "; without --luaunit there is Spacer's own"
    return setmetatable({}, { __index = function() error(why, 0) end })
    """#
}
