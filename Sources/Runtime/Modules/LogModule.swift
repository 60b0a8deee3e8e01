// `require "log"`: lines with a level and fields. Nothing here raises but a wrong use of `log.with`: a call must
// not fail for the sake of its log.

import CLua

enum LogFunction: Int32, HostFunctions {
  case debug, info, warn, error, level, write

  static var moduleNumber: Int32 { BuiltinModule.log.rawValue }
  static var prefix: String { "log." }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    switch self {
    case .debug: dispatcher.logLine(.debug, state)
    case .info: dispatcher.logLine(.info, state)
    case .warn: dispatcher.logLine(.warn, state)
    case .error: dispatcher.logLine(.error, state)
    case .level: LuaStack(state).push("\(dispatcher.log.format.level.name)")
    case .write: dispatcher.logWithFields(state)
    }
    return self == .level ? 1 : 0
  }

  /// The part in Lua: loggers with fields of their own. A logger's line is written by `write`, which gets the
  /// level's number, the message, the line's fields and the logger's.
  static let prelude: StaticString = """
    local native = ...
    local write, level, type, pairs, error = native.write, native.level, type, pairs, error

    local function with(outer, fields)
      if type(fields) ~= "table" then
        error("log.with takes a table of fields, not a " .. type(fields), 2)
      end
      local own = {}
      for key, value in pairs(outer) do own[key] = value end
      for key, value in pairs(fields) do own[key] = value end
      return {
        debug = function(message, fields) write(0, message, fields, own) end,
        info = function(message, fields) write(1, message, fields, own) end,
        warn = function(message, fields) write(2, message, fields, own) end,
        error = function(message, fields) write(3, message, fields, own) end,
        level = level,
        with = function(fields) return with(own, fields) end,
      }
    end

    return {
      debug = native.debug, info = native.info, warn = native.warn, error = native.error,
      level = level, with = function(fields) return with({}, fields) end,
    }
    """
}

extension Dispatcher {
  /// `log.info(message, fields)` and the others.
  func logLine(_ level: LogLevel, _ state: OpaquePointer) {
    guard log.isEnabled(level) else { return }
    // `log:info(…)` is not worth losing a line for: the module itself comes first then.
    if lua_type(state, 1) == LUA_TTABLE, luaL_getmetafield(state, 1, "__frozen") != LUA_TNIL {
      LuaStack(state).pop()
      lua_rotate(state, 1, -1)
      LuaStack(state).pop()
    }
    lua_settop(state, 2)
    writeLine(level, state, message: 1, fields: 2, ownFields: 0)
  }

  func logWithFields(_ state: OpaquePointer) {
    guard let level = LogLevel(rawValue: Int(lua_tointegerx(state, 1, nil))), log.isEnabled(level) else {
      return
    }
    lua_settop(state, 4)
    writeLine(level, state, message: 2, fields: 3, ownFields: 4)
  }

  private func writeLine(
    _ level: LogLevel, _ state: OpaquePointer, message: Int32, fields: Int32, ownFields: Int32
  ) {
    let isJSON = log.format.isJSON
    transfer.reset()
    var writer = LogFields(state: state, isJSON: isJSON)
    if ownFields > 0 {
      let others = lua_type(state, fields) == LUA_TTABLE ? fields : 0
      writer.append(fieldsAt: ownFields, except: others, to: &transfer)
    }
    writer.append(fieldsAt: fields, to: &transfer)
    let trace = currentCall >= 0 ? calls[currentCall].trace : nil
    log.message(
      level, messageText(state, message), fields: transfer.bytes, trace: trace, function: currentFunctionName)
  }

  /// A message is a string; anything else is shown as well as it can be.
  private func messageText(_ state: OpaquePointer, _ index: Int32) -> String {
    let stack = LuaStack(state)
    if let bytes = stack.bytes(at: index) {
      guard bytes.count > LogFields.bytesMax else { return String(decoding: bytes, as: UTF8.self) }
      // Cut here already: a text of any size need not be copied.
      let kept = bytes.prefix(LogFields.bytesMax - 64)
      return String(decoding: kept, as: UTF8.self) + "… (\(bytes.count) bytes)"
    }
    switch lua_type(state, index) {
    case LUA_TNUMBER:
      return lua_isinteger(state, index) != 0
        ? "\(lua_tointegerx(state, index, nil))" : "\(lua_tonumberx(state, index, nil))"
    case LUA_TBOOLEAN: return lua_toboolean(state, index) != 0 ? "true" : "false"
    case LUA_TTABLE:
      var text = OutputBuffer(capacity: 256)
      var fields = LogFields(state: state, isJSON: false)
      fields.append(fieldsAt: index, to: &text)
      return String(decoding: text.bytes.dropFirst(), as: UTF8.self)
    default: return stack.typeName(at: index)
    }
  }
}
