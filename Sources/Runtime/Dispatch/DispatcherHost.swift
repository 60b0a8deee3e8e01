// The callbacks the Lua side makes: finding and loading modules, host functions, print. None of them raises;
// each says by its result what the C side shall do.

import CLua
import SpacerArtifact

extension Dispatcher {
  func installCallbacks() {
    record.pointee.context = Unmanaged.passUnretained(self).toOpaque()
    record.pointee.invoke = { context, state, function in
      guard let state, let dispatcher = Dispatcher.from(context) else { return 0 }
      return dispatcher.invoke(function, state)
    }
    record.pointee.find_module = { context, name, length in
      guard let dispatcher = Dispatcher.from(context) else {
        return spacer_module_place(index: -1, builtin: 0)
      }
      return dispatcher.findModule(UnsafeRawBufferPointer(start: name, count: length))
    }
    record.pointee.module_chunk = { context, index in
      Dispatcher.from(context)?.moduleChunk(Int(index)) ?? spacer_module_chunk()
    }
    record.pointee.push_builtin = { context, state, number in
      guard let state, let dispatcher = Dispatcher.from(context) else { return }
      guard let module = BuiltinModule(rawValue: number) else {
        return TestModule.push(number, onto: state, dispatcher)
      }
      if let testing = dispatcher.testing, testing.pushStandIn(module, onto: state) { return }
      BuiltinModules.push(
        module, onto: state, host: dispatcher.record, hostFunctions: dispatcher.policy.hostFunctions)
    }
    record.pointee.print = { context, text, length in
      Dispatcher.from(context)?.print(UnsafeRawBufferPointer(start: text, count: length))
    }
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> Dispatcher? {
    context.map { Unmanaged<Dispatcher>.fromOpaque($0).takeUnretainedValue() }
  }

  // MARK: Modules

  /// The artifact `require` looks into: the one of the running call.
  private var artifactInForce: LoadedArtifact? {
    let generation = currentCall >= 0 ? calls[currentCall].generation : loadingGeneration
    return artifacts[Int(generation)]
  }

  private func findModule(_ name: UnsafeRawBufferPointer) -> spacer_module_place {
    if let index = artifactInForce?.module(required: name) {
      return spacer_module_place(index: Int32(index), builtin: 0)
    }
    if testing != nil, let number = TestModule.number(named: name) {
      return spacer_module_place(index: -2, builtin: number)
    }
    for module in BuiltinModule.allCases where module.name.utf8.elementsEqual(name) {
      return spacer_module_place(index: -2, builtin: module.rawValue)
    }
    return spacer_module_place(index: -1, builtin: 0)
  }

  /// The bytecode of a module; the chunk name is valid until the next call.
  func moduleChunk(_ index: Int) -> spacer_module_chunk {
    guard let artifact = artifactInForce else { return spacer_module_chunk() }
    chunkName.reset()
    chunkName.append(UInt8(ascii: "@"))
    chunkName.append(artifact.path(of: index))
    chunkName.append(0)
    let bytecode = artifact.bytecode(of: index)
    return spacer_module_chunk(
      bytes: bytecode.baseAddress?.assumingMemoryBound(to: CChar.self), length: bytecode.count,
      chunk_name: chunkName.bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
  }

  // MARK: Host functions

  private func invoke(_ number: Int32, _ state: OpaquePointer) -> Int32 {
    let function = number & 0xFF
    guard let module = BuiltinModule(rawValue: number >> 8) else {
      return number >> 8 == TestFunction.moduleNumber
        ? TestFunction.invoke(function, self, state) : GlobalFunction.invoke(function, self, state)
    }
    return BuiltinModules.invoke(module, function, self, state)
  }

  /// Has `message` raised; `at` puts the caller's position before it.
  func raise(_ state: OpaquePointer, _ message: String, at: Bool) -> Int32 {
    LuaStack(state).push(message)
    return Int32(at ? SPACER_RAISE_AT : SPACER_RAISE)
  }

  func environmentVariable(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard let name = stack.text(at: 1) else {
      return raise(
        state, "bad argument #1 to 'getenv' (string expected, got \(stack.typeName(at: 1)))", at: true)
    }
    guard let value = policy.environment[name] else {
      lua_pushnil(state)
      return 1
    }
    stack.push(value)
    return 1
  }

  private func print(_ line: UnsafeRawBufferPointer) {
    let trace = currentCall >= 0 ? calls[currentCall].trace : nil
    log.message(
      .info, String(decoding: line, as: UTF8.self), trace: trace, function: currentFunctionName)
  }

  /// Whose code runs, for the log; empty while none does.
  var currentFunctionName: UnsafeRawBufferPointer {
    guard currentCall >= 0, let name = functionName(of: calls[currentCall]) else {
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return name
  }

  // MARK: Generations

  /// Treats calls by `policy` from now on; how many there may be stays.
  func adopt(_ policy: DispatchPolicy) {
    self.policy = policy
    record.pointee.run_memory_bytes = policy.callMemoryBytes
    waiting.memoryBytesMax = policy.workerMemoryBytes
    waiting.databases?.adopt(policy.databases)
  }

  /// Makes `artifact` the current generation. False when too many old ones still have calls.
  func install(_ artifact: LoadedArtifact, keepsUnchanged: Bool) -> Bool {
    guard let place = generations.firstFree else { return false }
    let anchor = Generation.anchor(of: place)
    spacer_make_generation(record, anchor, Int32(clamping: artifact.moduleCount))
    let old = currentGeneration
    generations[place] = Generation(artifact, anchor: anchor)
    while artifacts.count <= place { artifacts.append(nil) }
    let previous = artifacts[Int(old)]
    artifacts[Int(place)] = artifact
    if keepsUnchanged, let previous, let oldAnchor = generations[old]?.anchor {
      keepModules(from: previous, oldAnchor, to: artifact, anchor)
    }
    currentGeneration = place
    record.pointee.loaded_index = anchor
    loadingGeneration = currentGeneration
    if old != currentGeneration { retire(old) }
    return true
  }

  /// Forgets an old generation that has no calls left.
  func retire(_ generation: Int32) {
    guard generation != currentGeneration, let old = generations[generation], old.callsInFlight == 0 else {
      return
    }
    lua_pushnil(main)
    for place in 0..<Int32(3) { lua_copy(main, -1, old.anchor + place) }
    spacer_lua_pop(main, 1)
    generations[generation] = nil
    artifacts[Int(generation)] = nil
  }

  /// Takes over the loaded values of modules that are the same in both and require no changed one.
  private func keepModules(
    from old: LoadedArtifact, _ oldAnchor: Int32, to new: LoadedArtifact, _ newAnchor: Int32
  ) {
    // With their values go the globals that they set.
    for place in 1..<Int32(3) { lua_copy(main, oldAnchor + place, newAnchor + place) }
    for (index, oldIndex) in new.unchangedModules(since: old) {
      lua_rawgeti(main, oldAnchor, Int64(oldIndex) + 1)
      lua_rawseti(main, newAnchor, Int64(index) + 1)
    }
  }
}
