// `require "topics"`: appending events. The Lua part checks payloads against their topic's schema and raises what
// the native part refuses; the same part serves the write proxy, which answers it instead.

import CLua
import SpacerEventLog

enum TopicsFunction: Int32, HostFunctions {
  /// `(topic, entries, options)`: "ok", or nil, a message and the status that the write proxy answers.
  case append
  /// `(topic)`: the topic's schema as JSON, or nil.
  case schema
  /// Takes the function that the write proxy runs.
  case setUp

  static var moduleNumber: Int32 { BuiltinModule.topics.rawValue }
  static var prefix: String { "topics." }
  var mayWait: Bool { self == .append }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    switch self {
    case .append: dispatcher.appendEvents(state)
    case .schema: dispatcher.pushSchema(state)
    case .setUp: dispatcher.keepProxyFunction(state)
    }
  }

  /// Given the native functions, `validate` and `cjson.decode`.
  static let prelude: StaticString = """
    local native = ...
    local append, schema, validate, decode = native.append, native.schema, native.validate, native.decode
    local type, error, pairs, tostring, concat = type, error, pairs, tostring, table.concat
    local sort, gsub = table.sort, string.gsub

    -- By the schema's text, so that another generation's is another one.
    local checks = {}

    local function problem_text(problem)
      if type(problem) ~= "table" then return tostring(problem) end
      local texts = {}
      for name, text in pairs(problem.fields or problem) do
        -- Paths begin with the field that holds the payload.
        local path = gsub(tostring(name), "^payload%.?", "")
        texts[#texts + 1] = path == "" and tostring(text) or path .. " " .. tostring(text)
      end
      sort(texts)
      return concat(texts, "; ")
    end

    local function misfit(topic, entries)
      local text = schema(topic)
      if not text or type(entries) ~= "table" then return nil end
      local check = checks[text]
      if not check then
        -- A description of the payload, of whatever type: checked as the one field of a table.
        local fields = validate({ payload = decode(text) })
        check = function(payload) return fields({ payload = payload }) end
        checks[text] = check
      end
      for key, payload in pairs(entries) do
        local _, problem = check(payload)
        if problem then
          return "the payload of '" .. tostring(key) .. "' does not fit the schema of '" .. tostring(topic)
            .. "': " .. problem_text(problem)
        end
      end
    end

    local function take(topic, entries, options)
      local problem = misfit(topic, entries)
      if problem then return nil, problem, 400 end
      return append(topic, entries, options)
    end

    native.setUp(function(args)
      if type(args) ~= "table" or type(args.topic) ~= "string" or type(args.entries) ~= "table" then
        return nil, 'send {"topic": "NAME", "entries": {"KEY": PAYLOAD, …}}'
      end
      local result, message, status = take(args.topic, args.entries, args.options)
      if result then return result end
      return nil, message, { status = status }
    end)

    return {
      append = function(topic, entries, options)
        local result, message = take(topic, entries, options)
        if result then return result end
        error("topics.append: " .. message, 2)
      end,
    }
    """
}

/// A call that waits for its events to be stored.
final class AppendWait: Wait {
  /// The append's.
  let number: UInt64

  init(number: UInt64) { self.number = number }

  override func expired(_ dispatcher: Dispatcher) {
    dispatcher.complete(self) {
      dispatcher.pushAppendFailure(
        EventLogError(
          .outcomeUnknown, "the storage did not confirm in time: the events may be stored, or not"), onto: $0)
    }
  }
}

extension Dispatcher {
  /// How long an append may take when neither its options nor the call's own time say less.
  private static let appendMilliseconds = 10_000
  private static let entryCountMax = 10_000
  /// What the entries of one call may take together.
  private static let requestBytesMax = 16 << 20

  func pushSchema(_ state: OpaquePointer) -> Int32 {
    if let schema = LuaStack(state).text(at: 1).flatMap({ events?.topic(named: $0)?.schema }) {
      LuaStack(state).push(schema)
    } else {
      lua_pushnil(state)
    }
    return 1
  }

  /// The function stays in the registry as long as the state.
  func keepProxyFunction(_ state: OpaquePointer) -> Int32 {
    lua_settop(state, 1)
    proxyFunction = luaL_ref(state, spacer_lua_registry())
    return 0
  }

  // MARK: Appending

  /// Why an append is not handed to the storage.
  private struct Refusal: Error {
    var message: String
    var status: Int64 = 400
  }

  func appendEvents(_ state: OpaquePointer) -> Int32 {
    do throws(Refusal) {
      guard currentCall >= 0 else { throw Refusal(message: "works inside a handler only") }
      guard let events else { throw Refusal(message: noTopicMessage(LuaStack(state).text(at: 1))) }
      let request = try appendRequest(state, events)
      guard !request.entries.isEmpty else {
        LuaStack(state).push("ok")
        return 1
      }
      if let capture {
        capture.note(request)
        LuaStack(state).push("ok")
        return 1
      }
      if let testing { return testing.note(request, onto: state) }
      if let ambient = ambientTransaction { return append(request, within: ambient, state, events) }
      return hand(request, to: events, state)
    } catch {
      return push(error.message, status: error.status, onto: state)
    }
  }

  private func push(_ message: String, status: Int64, onto state: OpaquePointer) -> Int32 {
    lua_pushnil(state)
    LuaStack(state).push(message)
    lua_pushinteger(state, status)
    return 3
  }

  func pushAppendFailure(_ error: DatabaseError, onto state: OpaquePointer) -> Int32 {
    push(
      "the events cannot be stored in the trigger's transaction: \(error.message)", status: 500, onto: state)
  }

  fileprivate func pushAppendFailure(_ error: EventLogError, onto state: OpaquePointer) -> Int32 {
    let status: Int64 =
      switch error.code {
      case .unavailable, .overloaded, .full: 503
      case .timedOut, .outcomeUnknown: 504
      case .tooLarge, .unknownTopic: 400
      case .fenced, .incompatible, .failed: 500
      }
    return push(error.message, status: status, onto: state)
  }

  private func noTopicMessage(_ name: String?) -> String {
    name.map { "there is no topic '\($0)': list it under 'topics' in config/application.yml" }
      ?? "the topic's name must be a string"
  }

  /// Reads the arguments.
  private func appendRequest(
    _ state: OpaquePointer, _ events: EventAccess
  ) throws(Refusal) -> AppendRequest {
    let stack = LuaStack(state)
    lua_settop(state, 3)
    guard let name = stack.text(at: 1), let topic = events.topic(named: name) else {
      throw Refusal(message: noTopicMessage(stack.text(at: 1)))
    }
    guard lua_type(state, 2) == LUA_TTABLE else {
      throw Refusal(message: "the entries must be a table of payloads by key, not a \(stack.typeName(at: 2))")
    }
    let options = try appendOptions(state)
    var entries: [AppendEntry] = []
    var byteCount = 0
    lua_pushnil(state)
    while lua_next(state, 2) != 0 {
      guard entries.count < Self.entryCountMax else {
        throw Refusal(message: "more than \(Self.entryCountMax) entries in one call: append them in parts")
      }
      let entry = try appendEntry(state, events)
      byteCount += entry.byteCount
      guard byteCount <= max(Self.requestBytesMax, 2 * events.eventBytesMax) else {
        throw Refusal(
          message: "more than \(Self.requestBytesMax >> 20) MiB in one call: append the entries in parts")
      }
      entries.append(entry)
      if topic.requiresKey, let entry = entries.last, entry.key.isEmpty {
        throw Refusal(message: "the topic '\(name)' requires a key, and this one is empty")
      }
      stack.pop()
    }
    if entries.count > 1 { entries.sort { $0.key.lexicographicallyPrecedes($1.key) } }
    if let id = options.id {
      for index in entries.indices {
        entries[index].id =
          entries.count == 1 ? id : "\(id):\(String(decoding: entries[index].key, as: UTF8.self))"
      }
    }
    let call = calls[currentCall]
    let root = rootCall
    let elapsed = Int(clamping: (clock() &- calls[root].start) / 1_000_000)
    let rest = max(1, wallMilliseconds(of: root) - elapsed)
    return AppendRequest(
      topic: name, entries: entries, trace: call.trace.child(span: ids.next()).traceParent,
      timeoutMilliseconds: min(rest, options.milliseconds ?? Self.appendMilliseconds))
  }

  /// Reads one entry, whose key and payload are on top.
  private func appendEntry(_ state: OpaquePointer, _ events: EventAccess) throws(Refusal) -> AppendEntry {
    let stack = LuaStack(state)
    let integer: [UInt8]
    if let bytes = stack.bytes(at: -2) {
      guard UTF8Scanner.firstInvalid(in: bytes) == nil, !bytes.contains(0) else {
        throw Refusal(message: "a key must be UTF-8 without NUL")
      }
      integer = []
    } else if lua_isinteger(state, -2) != 0 {
      integer = Array(String(lua_tointegerx(state, -2, nil)).utf8)
    } else {
      throw Refusal(message: "a key must be a string or an integer, not a \(stack.typeName(at: -2))")
    }
    transfer.reset()
    do throws(JSONEncodeFailure) {
      var encoder = JSONEncoder(state: state, arrayTag: arrayTag)
      encoder.bytesMax = events.eventBytesMax
      try encoder.encode(at: -1, into: &transfer)
    } catch {
      throw Refusal(
        message: "the payload of '\(Self.keyText(stack))' holds \(error.reason) at "
          + "payload\(error.path), which JSON cannot hold")
    }
    guard transfer.count <= events.eventBytesMax else {
      throw Refusal(
        message: "the payload of '\(Self.keyText(stack))' is larger than "
          + "\(events.eventBytesMax) bytes (limits.eventBytes)")
    }
    // The key's own text: a number's would turn it into a string, which `lua_next` cannot go on from.
    guard integer.isEmpty, let key = stack.bytes(at: -2) else {
      return AppendEntry(key: integer, value: transfer.bytes)
    }
    return AppendEntry(key: key, value: transfer.bytes)
  }

  /// The key of an entry whose key and payload are on top.
  private static func keyText(_ stack: LuaStack) -> String {
    stack.text(at: -2) ?? String(lua_tointegerx(stack.raw, -2, nil))
  }

  private func appendOptions(_ state: OpaquePointer) throws(Refusal) -> (id: String?, milliseconds: Int?) {
    let stack = LuaStack(state)
    // `null` of JSON is none either.
    if lua_type(state, 3) == LUA_TNIL
      || lua_touserdata(state, 3) == nil && lua_type(state, 3) == LUA_TLIGHTUSERDATA
    {
      return (nil, nil)
    }
    guard lua_type(state, 3) == LUA_TTABLE else {
      throw Refusal(message: "the options must be a table, not a \(stack.typeName(at: 3))")
    }
    var id: String?
    var milliseconds: Int?
    lua_pushnil(state)
    while lua_next(state, 3) != 0 {
      switch stack.text(at: -2) {
      case "id":
        guard let bytes = stack.bytes(at: -1), (1...Self.idBytesMax).contains(bytes.count),
          UTF8Scanner.firstInvalid(in: bytes) == nil, !bytes.contains(0)
        else {
          throw Refusal(message: "options.id must be a string of 1 to \(Self.idBytesMax) bytes, UTF-8")
        }
        id = String(decoding: bytes, as: UTF8.self)
      case "timeout":
        let seconds = lua_type(state, -1) == LUA_TNUMBER ? lua_tonumberx(state, -1, nil) : 0
        guard seconds > 0, seconds <= 86_400 else {
          throw Refusal(message: "options.timeout must be a number of seconds above 0")
        }
        milliseconds = max(1, Int(seconds * 1000))
      case let name:
        throw Refusal(message: "unknown option '\(name ?? stack.typeName(at: -2))': there are id and timeout")
      }
      stack.pop()
    }
    return (id, milliseconds)
  }

  private static var idBytesMax: Int { 255 }

  /// Gives the request to the storage; the call waits unless the storage answers at once.
  private func hand(
    _ request: AppendRequest, to events: EventAccess, _ state: OpaquePointer
  ) -> Int32 {
    guard let appends else {
      return pushAppendFailure(EventLogError(.unavailable, "there is nothing to wait on"), onto: state)
    }
    appendCount &+= 1
    let number = UInt64(appendCount) << 32 | UInt64(UInt32(bitPattern: currentCall))
    if let result = appends.hand(PendingAppend(request, number: number, for: appends), to: events.store) {
      return push(result, onto: state)
    }
    let wait = AppendWait(number: number)
    let parked = park(on: wait)
    startTimer(for: wait, afterMilliseconds: UInt64(request.timeoutMilliseconds))
    return parked
  }

  private func push(_ result: Result<AppendOutcome, EventLogError>, onto state: OpaquePointer) -> Int32 {
    switch result {
    case .success:
      LuaStack(state).push("ok")
      return 1
    case .failure(let error): return pushAppendFailure(error, onto: state)
    }
  }

  /// Ends the waits whose appends have come to an end.
  func finishAppends() {
    guard let appends else { return }
    for item in appends.takeAll() {
      let slot = Int32(truncatingIfNeeded: item.number)
      // The call may have been given up, and another may stand in its place.
      guard let wait = waiting.waits[slot] as? AppendWait, wait.number == item.number else { continue }
      complete(wait) { push(item.result, onto: $0) }
    }
  }
}
