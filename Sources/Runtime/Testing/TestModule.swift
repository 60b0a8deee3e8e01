// The modules that only tests have, `luaunit` and `spacer`, and what of the built-in ones is another in tests.

import CLua
import SpacerArtifact

/// A module that `require` finds in tests only. The numbers are none of `BuiltinModule`.
enum TestModule: Int32 {
  case spacer = 200
  case luaunit

  /// The number of the module of a normalised name; nil for others.
  static func number(named name: UnsafeRawBufferPointer) -> Int32? {
    let names: [(String, TestModule)] = [
      ("spacer", .spacer), ("luaunit", .luaunit), ("lib/luaunit", .luaunit),
    ]
    return names.first { $0.0.utf8.elementsEqual(name) }?.1.rawValue
  }

  static func push(_ number: Int32, onto state: OpaquePointer, _ dispatcher: Dispatcher) {
    guard let testing = dispatcher.testing, let module = TestModule(rawValue: number) else {
      return lua_pushnil(state)
    }
    switch module {
    case .spacer: testing.pushShared("spacer", onto: state)
    case .luaunit: testing.pushLuaUnit(onto: state)
    }
  }
}

extension TestBench {
  /// Pushes a field of the table that the Lua parts share.
  func pushShared(_ field: StaticString, onto state: OpaquePointer) {
    lua_rawgeti(state, spacer_lua_registry(), Int64(shared))
    _ = LuaStack(state).rawField(field, at: -1)
    lua_rotate(state, -2, 1)
    LuaStack(state).pop()
  }

  /// Adds the shared table and our functions to the table on top.
  private func addShared(_ state: OpaquePointer) {
    lua_rawgeti(state, spacer_lua_registry(), Int64(shared))
    LuaStack(state).setField("shared")
    TestFunction.pushTable(onto: state)
    LuaStack(state).setField("test")
  }

  /// Runs a Lua part with the value on top; what it returns takes its place. False, with nothing on top, when it
  /// raised.
  private func run(_ text: StaticString, name: String, _ state: OpaquePointer) -> Bool {
    guard runPart(text, name: name) != 0 else { return true }
    LuaStack(state).pop()
    return false
  }

  /// Lua's status; the error's text is on top when it is not 0.
  private func runPart(_ text: StaticString, name: String) -> Int32 {
    text.utf8Start.withMemoryRebound(to: CChar.self, capacity: text.utf8CodeUnitCount) {
      spacer_run_prelude(dispatcher.record, $0, text.utf8CodeUnitCount, name)
    }
  }

  /// Makes the module `spacer` and what the stand-ins share with it, before any code of the project runs.
  func prepareLibrary() -> Bool {
    let state = dispatcher.main
    let stack = LuaStack(state)
    let top = lua_gettop(state)
    defer { lua_settop(state, top) }
    guard dispatcher.replaceClock(stops: false) else { return false }
    lua_createtable(state, 0, 0)
    lua_createtable(state, 0, 8)
    pushDatabaseNames(onto: state)
    stack.setField("databases")
    lua_createtable(state, 0, 0)
    for name in artifact.image.environmentVariables {
      lua_pushboolean(state, 1)
      stack.setField(name)
    }
    stack.setField("variables")
    shared = luaL_ref(state, spacer_lua_registry())
    addShared(state)
    for (function, name) in [(JSONFunction.encode, "encode"), (.decode, "decode")] {
      function.push(onto: state)
      stack.setField(name)
    }
    JSONTag.push(onto: state)
    stack.setField("array_tag")
    guard dispatcher.pushOperatingSystem() else { return false }
    stack.setField("os")
    return run(TestPrelude.spacer, name: "=spacer", state)
      && run(TestPrelude.requests, name: "=spacer", state)
  }

  /// The names of the application's databases, whatever the environment.
  private func pushDatabaseNames(onto state: OpaquePointer) {
    lua_createtable(state, 0, 0)
    var names: Set<String> = []
    for setting in artifact.image.settings(prefix: "databases.") {
      let parts = setting.key.split(separator: ".")
      if parts.count > 2 { names.insert(String(parts[1])) }
    }
    for (index, name) in names.sorted().enumerated() {
      LuaStack(state).push(name)
      lua_rawseti(state, -2, Int64(index) + 1)
    }
  }

  func pushLuaUnit(onto state: OpaquePointer) {
    lua_createtable(state, 0, 4)
    addShared(state)
    let isMade =
      run(LuaUnitPrelude.values, name: "=luaunit", state)
      && run(LuaUnitPrelude.assertions, name: "=luaunit", state)
      && run(LuaUnitPrelude.moreAssertions, name: "=luaunit", state)
    guard isMade else { return lua_pushnil(state) }
    if let file = options.luaUnit, !takeInstalled(file.text, path: file.path, state) { return }
    if !run(LuaUnitPrelude.runner, name: "=luaunit", state) { lua_pushnil(state) }
  }

  /// Puts the module of LuaUnit's own text in the place of ours, in what the parts share, on top. False when it is of
  /// no use; then a module that says so is on top instead.
  private func takeInstalled(_ text: [UInt8], path: String, _ state: OpaquePointer) -> Bool {
    let stack = LuaStack(state)
    guard run(LuaUnitPrelude.environment, name: "=luaunit", state) else {
      lua_pushnil(state)
      return false
    }
    let top = lua_gettop(state)
    lua_pushvalue(state, top)
    let line = LuaUnitPrelude.environmentLine
    let whole = UnsafeBufferPointer(start: line.utf8Start, count: line.utf8CodeUnitCount) + text
    var status = whole.withUnsafeBytes { bytes in
      spacer_run_prelude(
        dispatcher.record, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, "=luaunit")
    }
    if status == 0 {
      stack.setField("module")
      lua_pushvalue(state, top)
      status = runPart(LuaUnitPrelude.installed, name: "=luaunit")
    }
    guard status != 0 else {
      lua_settop(state, top)
      return true
    }
    stack.setField("problem")
    stack.push(path)
    stack.setField("path")
    if !run(LuaUnitPrelude.refused, name: "=luaunit", state) { lua_pushnil(state) }
    return false
  }

  /// Pushes the form that a built-in module has in tests; false for one that is no other.
  func pushStandIn(_ module: BuiltinModule, onto state: OpaquePointer) -> Bool {
    switch module {
    case .http:
      _ = CurlLibrary.open()
      lua_createtable(state, 0, 10)
      for function in HTTPFunction.allCases where function.mayWait { function.add(to: state) }
      addShared(state)
      guard run(TestPrelude.http, name: "=http", state) else {
        lua_pushnil(state)
        return true
      }
      spacer_freeze(dispatcher.record, state)
      return true
    case .db:
      DatabaseFunction.pushTable(onto: state)
      addShared(state)
      guard run(TestPrelude.db, name: "=db", state) else {
        lua_pushnil(state)
        return true
      }
      BuiltinModules.runPrelude(
        DatabaseFunction.prelude, name: "=db", onto: state, host: dispatcher.record)
      return true
    case .host:
      lua_createtable(state, 0, 2)
      addShared(state)
      guard run(TestPrelude.host, name: "=host", state) else {
        lua_pushnil(state)
        return true
      }
      spacer_freeze(dispatcher.record, state)
      return true
    default: return false
    }
  }
}
