// A transaction around a whole call: a trigger with `transaction: true`. What the call and the functions that it
// calls do on its database, and the events they append, belong to it without their saying so; a transaction that
// they begin themselves is a savepoint in it.

import CLua
import SpacerEventLog

/// The transaction of a call.
struct AmbientTransaction {
  let id: Int64
  let database: Database
  /// Savepoints so far.
  var savepointCount: Int64 = 0
  /// Topics that were appended to.
  var topics: Set<String> = []
}

extension Dispatcher {
  /// The call that the running one was made for, over all `flow.call`s.
  var rootCall: Int32 {
    var slot = currentCall
    while slot >= 0, calls[slot].parent >= 0 { slot = calls[slot].parent }
    return slot
  }

  /// The transaction that the running call is in.
  var ambientTransaction: AmbientTransaction? {
    get { waiting.ambient.isEmpty ? nil : waiting.ambient[rootCall] }
    set { waiting.ambient[rootCall] = newValue }
  }

  /// Appends within the call's transaction.
  func append(
    _ request: AppendRequest, within ambient: AmbientTransaction, _ state: OpaquePointer,
    _ events: EventAccess
  ) -> Int32 {
    guard let databases, let transaction = databases.transactions[ambient.id], !transaction.isOver else {
      return pushAppendFailure(
        databases?.overError(nil)
          ?? DatabaseError("it is over", sqlstate: DatabaseError.State.transactionState),
        onto: state)
    }
    guard transaction.connection?.isRunning == false else {
      return pushAppendFailure(
        DatabaseError(
          "a statement of it is still running", sqlstate: DatabaseError.State.transactionState), onto: state)
    }
    do throws(EventLogError) {
      let statement = try Self.statement(for: request)
      ambientTransaction?.topics.insert(request.topic)
      return databases.park(
        DatabaseRequest(.append, statement, on: ambient.database, transaction: transaction, thread: state))
    } catch {
      return pushAppendFailure(
        DatabaseError(error.message, sqlstate: DatabaseError.State.general), onto: state)
    }
  }

  private static func statement(for request: AppendRequest) throws(EventLogError) -> DatabaseStatement {
    let text = try PostgresTransactions.append(to: request.topic, count: request.entries.count)
    var statement = DatabaseStatement(sql: Array(text.utf8) + [0])
    for entry in request.entries {
      statement.parameters += [
        .text(Array(entry.key)), .text(Array(entry.value)), entry.id.map { .text(Array($0.utf8)) } ?? .null,
        request.trace.map { .text($0.withBytes { Array($0) }) } ?? .null,
        .integer(Int64(KeyPartition.hash(entry.key))),
      ]
    }
    return statement
  }
}

extension Databases {
  private static var busy: DatabaseError {
    DatabaseError(
      "a statement of this trigger's transaction is still running",
      sqlstate: DatabaseError.State.transactionState)
  }

  /// The function stays in the registry as long as the state.
  func keepAmbientFunction(_ state: OpaquePointer) -> Int32 {
    lua_settop(state, 1)
    ambientFunction = luaL_ref(state, spacer_lua_registry())
    return 0
  }

  func bindAmbient(_ state: OpaquePointer) -> Int32 {
    guard let transaction = transactions[lua_tointegerx(state, 1, nil)] else { return 0 }
    dispatcher.ambientTransaction = AmbientTransaction(id: transaction.id, database: transaction.database)
    return 0
  }

  func pushNotices(_ state: OpaquePointer) -> Int32 {
    let topics = dispatcher.ambientTransaction?.topics.sorted() ?? []
    dispatcher.ambientTransaction = nil
    lua_createtable(state, Int32(clamping: topics.count), 0)
    var count: Int64 = 0
    for topic in topics {
      guard let text = try? PostgresTransactions.notify(topic) else { continue }
      count += 1
      LuaStack(state).push(text)
      lua_rawseti(state, -2, count)
    }
    return 1
  }

  func beginSavepoint(_ state: OpaquePointer, _ ambient: AmbientTransaction) -> Int32 {
    guard let transaction = transactions[ambient.id], !transaction.isOver else {
      return fail(state, overError(transactions[ambient.id]))
    }
    guard transaction.connection?.isRunning == false else { return fail(state, Self.busy) }
    let number = ambient.savepointCount + 1
    dispatcher.ambientTransaction?.savepointCount = number
    let request = DatabaseRequest(
      .savepoint, .control("SAVEPOINT spacer_\(number)"), on: ambient.database, transaction: transaction,
      thread: state)
    request.savepoint = number
    return park(request)
  }

  func finishSavepoint(_ state: OpaquePointer, _ number: Int64, _ kind: RequestKind) -> Int32 {
    guard let ambient = dispatcher.ambientTransaction, let transaction = transactions[ambient.id],
      !transaction.isOver
    else { return kind == .rollback ? 0 : fail(state, overError(nil)) }
    guard transaction.connection?.isRunning == false else { return fail(state, Self.busy) }
    let text =
      kind == .commit ? "RELEASE SAVEPOINT spacer_\(number)" : "ROLLBACK TO SAVEPOINT spacer_\(number)"
    return park(
      DatabaseRequest(
        .statement, .control(text), on: ambient.database, transaction: transaction, thread: state))
  }
}
