// `require "kv"`: the store that all workers of the process share. Values are copied in and out; a text goes
// through `transfer`, so that no lock is held while Lua allocates.

import CLua

enum KVFunction: Int32, HostFunctions {
  case get, set, add, replace, delete, incr, cas, ttl, expire, count, clear, keys

  static var moduleNumber: Int32 { BuiltinModule.kv.rawValue }
  static var prefix: String { "kv." }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    guard let store = dispatcher.store else {
      return dispatcher.raise(state, "kv: there is no store", at: true)
    }
    let call = KVCall(function: self, dispatcher: dispatcher, store: store, stack: LuaStack(state))
    do throws(KVCall.Refusal) {
      return try call.run()
    } catch {
      return dispatcher.raise(state, "kv.\(name): \(error.message)", at: true)
    }
  }
}

/// One call of a function of `kv`.
private struct KVCall {
  /// What is raised, after the function's name.
  struct Refusal: Error {
    var message: String
    init(_ message: String) { self.message = message }
  }

  /// The longest time to live: a hundred years.
  private static let ttlSecondsMax = 3.2e9
  private static let keyCountDefault = 100
  private static let keyCountMax = 10_000

  let function: KVFunction
  let dispatcher: Dispatcher
  let store: KVStore
  let stack: LuaStack
  private var state: OpaquePointer { stack.raw }

  init(function: KVFunction, dispatcher: Dispatcher, store: KVStore, stack: LuaStack) {
    self.function = function
    self.dispatcher = dispatcher
    self.store = store
    self.stack = stack
  }

  func run() throws(Refusal) -> Int32 {
    let now = dispatcher.storeNanoseconds
    switch function {
    case .get: return try get(now)
    case .set: return try set(now, when: .always)
    case .add: return try set(now, when: .absent)
    case .replace: return try set(now, when: .present)
    case .delete: lua_pushboolean(state, store.delete(try key(), now: now) ? 1 : 0)
    case .incr: return try increment(now)
    case .cas: return try exchange(now)
    case .ttl: try pushTimeToLive(now)
    case .expire:
      lua_pushboolean(state, store.setExpiry(try key(), try expiry(at: 2, now), now: now) ? 1 : 0)
    case .count: lua_pushinteger(state, Int64(store.count(now: now)))
    case .clear:
      store.clear()
      return 0
    case .keys: try pushKeys(now)
    }
    return 1
  }

  // MARK: Functions

  private func get(_ now: UInt64) throws(Refusal) -> Int32 {
    dispatcher.transfer.reset()
    guard let (kind, bits) = store.get(try key(), now: now, text: &dispatcher.transfer) else {
      lua_pushnil(state)
      return 1
    }
    switch kind {
    case .string: stack.push(dispatcher.transfer.bytes)
    case .integer: lua_pushinteger(state, Int64(bitPattern: bits))
    case .float: lua_pushnumber(state, Double(bitPattern: bits))
    case .boolean: lua_pushboolean(state, bits == 0 ? 0 : 1)
    case .json:
      var decoder = JSONDecoder(
        state: state, bytes: dispatcher.transfer.bytes, memory: dispatcher.bodyMemory)
      do throws(JSONDecodeFailure) {
        try decoder.decode()
      } catch {
        throw Refusal("the table cannot be read: \(error.message)")
      }
    }
    return 1
  }

  private func set(_ now: UInt64, when condition: KVCondition) throws(Refusal) -> Int32 {
    let key = try key()
    guard lua_type(state, 2) > LUA_TNIL else { throw Refusal("the value is nil: use kv.delete") }
    let expiry = try expiry(at: 3, now)
    let outcome = store.set(key, try value(at: 2), expiry: expiry, now: now, when: condition)
    lua_pushboolean(state, try isStored(outcome) ? 1 : 0)
    return 1
  }

  private func exchange(_ now: UInt64) throws(Refusal) -> Int32 {
    let key = try key()
    let expiry = try expiry(at: 4, now)
    if lua_type(state, 2) == LUA_TTABLE {
      throw Refusal("a table cannot be compared: keep a version number, or text")
    }
    let expected = lua_type(state, 2) > LUA_TNIL ? try value(at: 2) : nil
    let value = lua_type(state, 3) > LUA_TNIL ? try value(at: 3) : nil
    let outcome = store.exchange(key, expected: expected, value, expiry: expiry, now: now)
    lua_pushboolean(state, try isStored(outcome) ? 1 : 0)
    return 1
  }

  private func increment(_ now: UInt64) throws(Refusal) -> Int32 {
    let key = try key()
    let step = try number(at: 2, "the step") ?? .integer(1)
    let initial = try number(at: 3, "the initial value") ?? .integer(0)
    let expiry = try expiry(at: 4, now)
    switch store.increment(key, by: step, initial: initial, expiry: expiry, now: now) {
    case .integer(let sum): lua_pushinteger(state, sum)
    case .float(let sum): lua_pushnumber(state, sum)
    case .notANumber: throw Refusal("the value under '\(printable(key))' is not a number")
    case .overflow: throw Refusal("the sum is more than an integer holds")
    case .tooLarge: throw Refusal("the store is too small for this (limits.kvBytes)")
    }
    return 1
  }

  private func pushTimeToLive(_ now: UInt64) throws(Refusal) {
    switch store.expiry(try key(), now: now) {
    case nil: lua_pushnil(state)
    case KVShard.never: lua_pushboolean(state, 0)
    case .some(let expiry): lua_pushnumber(state, Double(expiry &- now) / 1e9)
    }
  }

  private func pushKeys(_ now: UInt64) throws(Refusal) {
    let type = lua_type(state, 1)
    guard type <= LUA_TNIL || type == LUA_TSTRING else {
      throw Refusal("the prefix must be a string, not a \(stack.typeName(at: 1))")
    }
    var count = Self.keyCountDefault
    if lua_type(state, 2) > LUA_TNIL {
      guard lua_isinteger(state, 2) != 0, 1...Int64(Self.keyCountMax) ~= lua_tointegerx(state, 2, nil) else {
        throw Refusal("the number of keys must be an integer from 1 to \(Self.keyCountMax)")
      }
      count = Int(lua_tointegerx(state, 2, nil))
    }
    let prefix = stack.bytes(at: 1) ?? UnsafeRawBufferPointer(start: nil, count: 0)
    let keys = store.keys(prefix: prefix, countMax: count, now: now)
    lua_createtable(state, Int32(keys.count), 0)
    if keys.isEmpty {
      JSONTag.push(onto: state)
      lua_setmetatable(state, -2)
    }
    for (index, key) in keys.enumerated() {
      key.withUnsafeBytes { stack.push($0) }
      lua_rawseti(state, -2, Int64(index) + 1)
    }
  }

  // MARK: Arguments

  private func key() throws(Refusal) -> UnsafeRawBufferPointer {
    guard let key = stack.bytes(at: 1) else {
      let given = lua_type(state, 1) < 0 ? "missing" : "a \(stack.typeName(at: 1))"
      throw Refusal("the key must be a string and is \(given)")
    }
    guard 1...KVStore.keyBytesMax ~= key.count else {
      throw Refusal("the key must have 1 to \(KVStore.keyBytesMax) bytes and has \(key.count)")
    }
    return key
  }

  /// A text stays where it is, on the stack or in `transfer`; at most one table is among the arguments.
  private func value(at index: Int32) throws(Refusal) -> KVValue {
    switch lua_type(state, index) {
    case LUA_TSTRING:
      let text = stack.bytes(at: index) ?? UnsafeRawBufferPointer(start: nil, count: 0)
      guard text.count <= KVStore.valueBytesMax else {
        throw Refusal("the value has \(text.count) bytes, more than \(KVStore.valueBytesMax)")
      }
      return KVValue(kind: .string, text: text)
    case LUA_TNUMBER: return number(index)
    case LUA_TBOOLEAN: return .boolean(lua_toboolean(state, index) != 0)
    case LUA_TTABLE:
      dispatcher.transfer.reset()
      var encoder = JSONEncoder(state: state, arrayTag: dispatcher.arrayTag)
      encoder.bytesMax = KVStore.valueBytesMax
      do throws(JSONEncodeFailure) {
        try encoder.encode(at: index, into: &dispatcher.transfer)
      } catch {
        throw Refusal(
          "the value holds \(error.reason)" + (error.path.isEmpty ? "" : " at value\(error.path)"))
      }
      let text = dispatcher.transfer.bytes
      guard text.count <= KVStore.valueBytesMax else {
        throw Refusal("the value has more than \(KVStore.valueBytesMax) bytes as JSON")
      }
      return KVValue(kind: .json, text: text)
    default:
      throw Refusal(
        "a value is a string, a number, a boolean or a table, not a \(stack.typeName(at: index))")
    }
  }

  private func number(_ index: Int32) -> KVValue {
    lua_isinteger(state, index) != 0
      ? .integer(lua_tointegerx(state, index, nil)) : .float(lua_tonumberx(state, index, nil))
  }

  /// The number at `index`; nil when there is none.
  private func number(at index: Int32, _ what: String) throws(Refusal) -> KVValue? {
    guard lua_type(state, index) > LUA_TNIL else { return nil }
    guard lua_type(state, index) == LUA_TNUMBER else {
      throw Refusal("\(what) must be a number, not a \(stack.typeName(at: index))")
    }
    return number(index)
  }

  /// When something expires that lives for the seconds at `index`; `never` without a number there.
  private func expiry(at index: Int32, _ now: UInt64) throws(Refusal) -> UInt64 {
    guard lua_type(state, index) > LUA_TNIL else { return KVShard.never }
    let seconds = lua_type(state, index) == LUA_TNUMBER ? lua_tonumberx(state, index, nil) : 0
    guard seconds > 0, seconds <= Self.ttlSecondsMax else {
      throw Refusal("the time to live must be a number of seconds above 0, a hundred years at most")
    }
    return now + max(1, UInt64(seconds * 1e9))
  }

  private func isStored(_ outcome: KVOutcome) throws(Refusal) -> Bool {
    guard outcome != .tooLarge else {
      throw Refusal("the store is too small for this value (limits.kvBytes)")
    }
    return outcome == .stored
  }

  private func printable(_ key: UnsafeRawBufferPointer) -> String { HeaderText.printable(key) }
}
