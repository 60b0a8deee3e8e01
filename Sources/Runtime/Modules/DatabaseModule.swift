// `require "db"`. The Lua part wraps a few native functions: what calls a user's function, and what keeps
// `db.use "NAME"` and a transaction apart from the default database.

import CLua

enum DatabaseFunction: Int32, HostFunctions {
  /// `(target, shape, sql, parameters…)`; target: false for the default database, a name, or a transaction.
  case run
  case begin, commit, rollback
  /// `(name)`: raises unless there is such a database.
  case check
  /// `(function)`: takes the function that runs a handler in a transaction.
  case keep
  /// `(transaction)`: what the call does on its database belongs to it from now on.
  case bind
  /// The statements that tell consumers of what the transaction appended; it has ended.
  case notices
  /// Takes the metatables of `db.bytes`, `db.array` and errors.
  case setUp

  static var moduleNumber: Int32 { BuiltinModule.db.rawValue }
  static var prefix: String { "db." }

  var name: String {
    switch self {
    // What messages call it; which of them it was is known only when it runs.
    case .run: "query"
    case .begin: "transaction"
    case .commit, .rollback, .check, .keep, .bind, .notices, .setUp: "\(self)"
    }
  }

  var mayWait: Bool {
    switch self {
    case .run, .begin, .commit, .rollback: true
    case .check, .keep, .bind, .notices, .setUp: false
    }
  }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    guard let databases = dispatcher.databases else {
      return dispatcher.raise(state, "db works inside a server only", at: true)
    }
    if let capture = dispatcher.capture {
      switch self {
      case .run: return databases.runCaptured(state, capture)
      case .begin: return databases.beginCaptured(state, capture)
      case .commit: return databases.finishCaptured(state, .commit, capture)
      case .rollback: return databases.finishCaptured(state, .rollback, capture)
      case .check, .keep, .bind, .notices, .setUp: break
      }
    }
    return switch self {
    case .run: databases.run(state)
    case .begin: databases.begin(state)
    case .commit: databases.finish(state, .commit)
    case .rollback: databases.finish(state, .rollback)
    case .check: databases.check(state)
    case .keep: databases.keepAmbientFunction(state)
    case .bind: databases.bindAmbient(state)
    case .notices: databases.pushNotices(state)
    case .setUp: databases.setUp(state)
    }
  }

  static let prelude: StaticString = """
    local native = ...
    local run, begin, commit, rollback = native.query, native.transaction, native.commit, native.rollback
    local ROWS, FIRST, COUNT = 0, 1, 2

    local bytes_tag, array_tag = { __metatable = false }, { __metatable = false }
    local error_tag = { __metatable = false, __name = "db.error" }

    function error_tag.__tostring(e)
      local text = "db: " .. tostring(rawget(e, "message"))
      if rawget(e, "sqlstate") then text = text .. " (SQLSTATE " .. e.sqlstate .. ")" end
      if rawget(e, "detail") then text = text .. "; " .. tostring(e.detail) end
      if rawget(e, "hint") then text = text .. "; hint: " .. tostring(e.hint) end
      if rawget(e, "position") then text = text .. "; at character " .. tostring(e.position) end
      return text
    end

    function error_tag.__concat(a, b) return tostring(a) .. tostring(b) end

    local null = native.setUp(bytes_tag, array_tag, error_tag)

    -- Weak, so that a transaction's object is only as long there as the function holds it.
    local ids = setmetatable({}, { __mode = "k" })

    local function of_transaction(tx, name)
      local id = ids[tx]
      if not id then error("write tx:" .. name .. "(…), with a colon", 3) end
      return id
    end

    local tx_methods = {}
    function tx_methods.query(tx, ...) return run(of_transaction(tx, "query"), ROWS, ...) end
    function tx_methods.one(tx, ...) return run(of_transaction(tx, "one"), FIRST, ...) end
    function tx_methods.exec(tx, ...) return run(of_transaction(tx, "exec"), COUNT, ...) end
    local tx_tag = { __index = tx_methods, __metatable = false, __newindex = function()
      error("a transaction cannot be changed", 2)
    end }

    local function finish(id, ok, ...)
      if ok then
        commit(id)
        return ...
      end
      rollback(id)
      error((...), 0)
    end

    local function transaction(target, body)
      if type(body) ~= "function" then
        error("db.transaction takes a function, not a " .. type(body), 2)
      end
      local id = begin(target)
      local tx = setmetatable({}, tx_tag)
      ids[tx] = id
      return finish(id, pcall(body, tx))
    end

    local function bound(target)
      return {
        query = function(...) return run(target, ROWS, ...) end,
        one = function(...) return run(target, FIRST, ...) end,
        exec = function(...) return run(target, COUNT, ...) end,
        transaction = function(body) return transaction(target, body) end,
      }
    end

    local db = bound(false)
    db.null = null

    local used = {}
    function db.use(name)
      native.check(name)
      used[name] = used[name] or setmetatable({}, { __index = bound(name), __metatable = false, __newindex =
        function() error("a database cannot be changed", 2) end })
      return used[name]
    end

    function db.bytes(bytes)
      if type(bytes) ~= "string" then error("db.bytes takes a string, not a " .. type(bytes), 2) end
      return setmetatable({ bytes }, bytes_tag)
    end

    function db.array(items)
      if type(items) ~= "table" then error("db.array takes a table, not a " .. type(items), 2) end
      return setmetatable({ items }, array_tag)
    end

    -- Runs a trigger's handler, its statements and its appends in one transaction with the note that its events
    -- are done. `claim` notes an event, and changes no row when it was done before.
    native.keep(function(handler, target, claim, name, is_batch, payload, event)
      local id = begin(target)
      native.bind(id)
      local function is_new(one)
        return run(id, COUNT, claim, one.group, one.topic, one.offset, name) == 1
      end
      if is_batch then
        local payloads, events = {}, {}
        for i = 1, #event do
          if is_new(event[i]) then
            payloads[#payloads + 1], events[#events + 1] = payload[i], event[i]
          end
        end
        payload, event = payloads, events
      elseif not is_new(event) then
        event = nil
      end
      if not event or is_batch and #event == 0 then
        rollback(id)
        return
      end
      local ok, result, problem = pcall(handler, payload, event)
      local failed = is_batch and type(result) == "table" and result.failed
      local is_partial = type(failed) == "table" and next(failed) ~= nil
      if ok and not problem and not is_partial then
        commit(id)
        -- Consumers look by themselves too, only later.
        for _, notice in ipairs(native.notices()) do pcall(run, target, COUNT, notice) end
        return result
      end
      rollback(id)
      if not ok then error(result, 0) end
      if is_partial then error("a batch in a transaction fails as a whole, not in part", 0) end
      return result, problem
    end)

    return db
    """
}

extension Dispatcher {
  /// The worker's databases, made on first use; nil without a loop.
  var databases: Databases? {
    if let databases = waiting.databases { return databases }
    guard let loop else { return nil }
    let databases = Databases(dispatcher: self, loop: loop)
    waiting.databases = databases
    return databases
  }

  /// Ends a database's wait.
  func complete(_ request: DatabaseRequest, with outcome: StatementOutcome) {
    if let whenEnded = request.whenEnded { return whenEnded(outcome) }
    answer(request, with: outcome)
  }

  /// Has the call that waits for it go on.
  func answer(_ request: DatabaseRequest, with outcome: StatementOutcome) {
    complete(request) { coroutine in
      guard let databases = waiting.databases else { return 0 }
      switch outcome {
      case .done(let result): return databases.push(result, of: request, onto: coroutine)
      case .failed(let error), .notBegun(let error):
        if request.kind == .append { return pushAppendFailure(error, onto: coroutine) }
        databases.push(error, from: request.thread, onto: coroutine)
        return Int32(SPACER_RAISE)
      }
    }
  }
}

// MARK: Native functions

extension Databases {
  /// Raises a mistake of the caller's, with its position.
  func refuse(_ state: OpaquePointer, _ message: String) -> Int32 {
    let place = Self.position(of: state)
    return dispatcher.raise(state, place.isEmpty ? message : "\(place): \(message)", at: false)
  }

  /// Raises an error of a database's form.
  func fail(_ state: OpaquePointer, _ error: DatabaseError) -> Int32 {
    push(error, from: state, onto: state)
    return Int32(SPACER_RAISE)
  }

  fileprivate func setUp(_ state: OpaquePointer) -> Int32 {
    lua_settop(state, 3)
    errorTag = luaL_ref(state, spacer_lua_registry())
    arrayTag = luaL_ref(state, spacer_lua_registry())
    bytesTag = luaL_ref(state, spacer_lua_registry())
    lua_pushlightuserdata(state, nil)
    return 1
  }

  fileprivate func check(_ state: OpaquePointer) -> Int32 {
    guard let name = LuaStack(state).text(at: 1) else {
      return refuse(state, "db.use takes a database's name, not a \(LuaStack(state).typeName(at: 1))")
    }
    guard database(named: name) != nil else { return refuse(state, "db.use: \(complaint(name))") }
    return 0
  }

  fileprivate func run(_ state: OpaquePointer) -> Int32 {
    let shape = ResultShape(rawValue: Int32(truncatingIfNeeded: lua_tointegerx(state, 2, nil))) ?? .count
    let isInTransaction = lua_isinteger(state, 1) != 0
    let name = (isInTransaction ? "tx:" : "db.") + shape.functionName
    var transaction: DatabaseTransaction?
    let database: Database
    if isInTransaction {
      let id = lua_tointegerx(state, 1, nil)
      let ambient = dispatcher.ambientTransaction
      let found = transactions[id < 0 ? ambient?.id ?? 0 : id]
      guard let found, !found.isOver, found.slot == dispatcher.currentCall || found.id == ambient?.id else {
        return fail(state, overError(found))
      }
      transaction = found
      database = found.database
      guard found.connection?.isRunning == false else {
        return refuse(state, "\(name): a statement of this transaction is still running")
      }
    } else {
      let wanted = LuaStack(state).text(at: 1)
      guard let found = self.database(named: wanted) else {
        return refuse(state, "\(name): \(complaint(wanted))")
      }
      database = found
      if let ambient = dispatcher.ambientTransaction, ambient.database === found {
        guard let bound = transactions[ambient.id], !bound.isOver else {
          return fail(state, overError(transactions[ambient.id]))
        }
        guard bound.connection?.isRunning == false else {
          return refuse(state, "\(name): a statement of this trigger's transaction is still running")
        }
        transaction = bound
      }
    }
    let reader = ParameterReader(
      state: state, driver: database.configuration.driver, bytesTag: bytesTag, arrayTag: arrayTag,
      jsonTag: dispatcher.arrayTag)
    let statement: DatabaseStatement
    do throws(ParameterReader.Refusal) {
      statement = try reader.statement(at: 3, shape: shape)
    } catch {
      return refuse(state, "\(name): \(error.message)")
    }
    return park(
      DatabaseRequest(.statement, statement, on: database, transaction: transaction, thread: state))
  }

  func park(_ request: DatabaseRequest) -> Int32 {
    let result = dispatcher.park(on: request)
    request.database.submit(request)
    return result
  }

  fileprivate func begin(_ state: OpaquePointer) -> Int32 {
    let wanted = LuaStack(state).text(at: 1)
    guard let database = database(named: wanted) else {
      return refuse(state, "db.transaction: \(complaint(wanted))")
    }
    if let ambient = dispatcher.ambientTransaction, ambient.database === database {
      return beginSavepoint(state, ambient)
    }
    let transaction = DatabaseTransaction(database: database, slot: dispatcher.currentCall)
    dispatcher.hold(transaction)
    // SQLite's other way to begin takes the lock later, when it may be too late.
    let text = database.configuration.driver == .sqlite ? "BEGIN IMMEDIATE" : "BEGIN"
    return park(
      DatabaseRequest(
        .begin, .control(text, isHarmless: true), on: database, transaction: transaction, thread: state))
  }

  fileprivate func finish(_ state: OpaquePointer, _ kind: RequestKind) -> Int32 {
    let id = lua_tointegerx(state, 1, nil)
    if id < 0 { return finishSavepoint(state, -id, kind) }
    let found = transactions[id]
    guard let transaction = found, !transaction.isOver, transaction.slot == dispatcher.currentCall else {
      if let found { forget(found) }
      // What ended before its function did was rolled back.
      return kind == .rollback ? 0 : fail(state, overError(found))
    }
    let text = kind == .commit ? "COMMIT" : "ROLLBACK"
    return park(
      DatabaseRequest(kind, .control(text), on: transaction.database, transaction: transaction, thread: state)
    )
  }

  func overError(_ transaction: DatabaseTransaction?) -> DatabaseError {
    DatabaseError(
      "the transaction is over" + (transaction?.reason.map { ": \($0)" } ?? ""),
      sqlstate: DatabaseError.State.transactionState)
  }
}

extension ResultShape {
  var functionName: String {
    switch self {
    case .rows: "query"
    case .first: "one"
    case .count: "exec"
    }
  }
}
