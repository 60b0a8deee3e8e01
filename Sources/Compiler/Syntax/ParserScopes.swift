// Scopes: which local a name means, and which label a goto reaches, found while parsing.
//
// `binding[name]` is the innermost active local of that name, so a lookup is one array access; each active
// local remembers the binding it hides, and leaving its block puts that back. Labels and pending gotos
// use the same device. A local becomes active after its declaration's expressions, as in the VM.

struct Scopes {
  /// The VM's bound on the locals of one function, its hidden loop variables included.
  static let localsMax = 200
  static let none = UInt32.max

  struct Active {
    var name: UInt32
    var symbol: UInt32
    var hidden: UInt32
  }

  struct Label {
    var name: UInt32
    var activeCount: Int
    var hidden: UInt32
    var start: UInt32
    var end: UInt32
  }

  struct PendingGoto {
    var name: UInt32
    /// Active locals at the goto, or outside the blocks it has left since.
    var activeCount: Int
    var hidden: UInt32
    var isResolved = false
    var start: UInt32
    var end: UInt32
  }

  struct Block {
    var activeCount: Int
    var localCount: Int
    var labelCount: Int
    var gotoCount: Int
  }

  struct Function {
    var isVararg: Bool
    /// Declared locals, active or about to be, with hidden ones.
    var localCount = 0
    var labelBase: Int
    var loopBase: Int
  }

  var active: [Active] = []
  var labels: [Label] = []
  var gotos: [PendingGoto] = []
  var blocks: [Block] = []
  var functions: [Function] = []
  /// The loops around the current place: whether a `break` leaves the loop.
  var loops: [Bool] = []
  private var bindings: [UInt32] = []
  private var labelHeads: [UInt32] = []
  private var gotoHeads: [UInt32] = []
  /// The function around the current place.
  var function = Function(isVararg: true, labelBase: 0, loopBase: 0)

  // MARK: Locals

  /// The symbol that `name` means, or `none` when it is free.
  @inline(__always)
  func lookup(_ name: UInt32) -> UInt32 {
    guard Int(name) < bindings.count else { return Self.none }
    let index = bindings[Int(name)]
    return index == Self.none ? Self.none : active[Int(index)].symbol
  }

  mutating func activate(name: UInt32, symbol: UInt32) {
    let hidden = Self.entry(&bindings, name)
    bindings[Int(name)] = UInt32(active.count)
    active.append(Active(name: name, symbol: symbol, hidden: hidden))
  }

  /// `table[name]`, after making room for it.
  @inline(__always)
  private static func entry(_ table: inout [UInt32], _ name: UInt32) -> UInt32 {
    while table.count <= Int(name) { table.append(none) }
    return table[Int(name)]
  }

  // MARK: Blocks and functions

  mutating func openBlock() {
    blocks.append(
      Block(
        activeCount: active.count, localCount: function.localCount, labelCount: labels.count,
        gotoCount: gotos.count))
  }

  mutating func closeBlock() {
    guard let block = blocks.popLast() else { return }
    while active.count > block.activeCount, let local = active.popLast() {
      bindings[Int(local.name)] = local.hidden
    }
    while labels.count > block.labelCount, let label = labels.popLast() {
      labelHeads[Int(label.name)] = label.hidden
    }
    function.localCount = block.localCount
    for index in block.gotoCount..<gotos.count { gotos[index].activeCount = block.activeCount }
  }

  mutating func openFunction(isVararg: Bool) {
    functions.append(function)
    function = Function(isVararg: isVararg, labelBase: labels.count, loopBase: loops.count)
    openBlock()
  }

  /// The first goto of the function that found no label, if there is one.
  mutating func closeFunction() -> PendingGoto? {
    let base = blocks.last?.gotoCount ?? 0
    closeBlock()
    if let outer = functions.popLast() { function = outer }
    for index in base..<gotos.count where !gotos[index].isResolved { return gotos[index] }
    gotos.removeLast(gotos.count - base)
    return nil
  }

  // MARK: Labels

  /// A label of the current function that a goto here can see.
  func visibleLabel(_ name: UInt32) -> Label? {
    guard Int(name) < labelHeads.count else { return nil }
    let index = labelHeads[Int(name)]
    guard index != Self.none, Int(index) >= function.labelBase else { return nil }
    return labels[Int(index)]
  }

  mutating func addGoto(_ name: UInt32, _ start: Int, _ end: Int) {
    let hidden = Self.entry(&gotoHeads, name)
    gotoHeads[Int(name)] = UInt32(gotos.count)
    gotos.append(
      PendingGoto(
        name: name, activeCount: active.count, hidden: hidden, start: UInt32(start), end: UInt32(end)))
  }

  /// Adds a label and lets the block's pending gotos of that name reach it; gives the goto that would thereby
  /// jump into the scope of a local.
  mutating func addLabel(_ name: UInt32, _ start: Int, _ end: Int, endsBlock: Bool) -> PendingGoto? {
    guard let block = blocks.last else { return nil }
    let activeCount = endsBlock ? block.activeCount : active.count
    let hidden = Self.entry(&labelHeads, name)
    labelHeads[Int(name)] = UInt32(labels.count)
    labels.append(
      Label(
        name: name, activeCount: activeCount, hidden: hidden, start: UInt32(start), end: UInt32(end)))
    var index = Self.entry(&gotoHeads, name)
    while index != Self.none, Int(index) >= block.gotoCount {
      if gotos[Int(index)].activeCount < activeCount { return gotos[Int(index)] }
      gotos[Int(index)].isResolved = true
      index = gotos[Int(index)].hidden
    }
    gotoHeads[Int(name)] = index
    while gotos.count > block.gotoCount, gotos.last?.isResolved == true { gotos.removeLast() }
    return nil
  }
}

extension ParserState {
  /// Makes a node and a symbol for a name that is being declared; it can be referred to once activated.
  mutating func declare(
    _ name: UInt32, _ kind: Symbol.Kind, from start: Int, to end: Int
  ) throws(SyntaxAbort) -> UInt32 {
    try countLocals(1, start, end)
    let symbol = UInt32(symbols.count)
    let node = add(.localName, name, symbol, from: start, to: end)
    symbols.append(
      Symbol(
        name: name, declaration: NodeID(Int(node)), reads: 0, writes: 0, kind: kind,
        isTopLevel: scopes.functions.count == 1))
    return node
  }

  @inline(__always)
  mutating func activate(_ localName: UInt32) {
    scopes.activate(name: nodes[Int(localName)].a, symbol: nodes[Int(localName)].b)
  }

  /// Counts locals, named or hidden, against the VM's bound.
  @inline(__always)
  mutating func countLocals(_ count: Int, _ start: Int, _ end: Int) throws(SyntaxAbort) {
    scopes.function.localCount += count
    if scopes.function.localCount > Scopes.localsMax { throw failTooManyLocals(start, end) }
  }

  /// The node for a use of `name`: a local, a global, or a field of a local `_ENV`.
  @inline(__always)
  mutating func reference(_ name: UInt32, from start: Int, to end: Int) -> UInt32 {
    let symbol = scopes.lookup(name)
    if symbol != Scopes.none {
      symbols[Int(symbol)].reads += 1
      return add(.localReference, name, symbol, from: start, to: end)
    }
    let environment = scopes.lookup(Interner.environmentName)
    if environment == Scopes.none { return add(.globalReference, name, 0, from: start, to: end) }
    symbols[Int(environment)].reads += 1
    let object = add(.localReference, Interner.environmentName, environment, from: start, to: start)
    let key = add(.stringLiteral, name, 0, from: start, to: end)
    let node = add(.index, object, key, from: start, to: end)
    nodes[Int(node)].c = 2
    return node
  }

  /// Turns a reference that was counted as a read into the target of an assignment.
  mutating func makeTarget(_ node: UInt32) throws(SyntaxAbort) {
    guard nodes[Int(node)].kind == .localReference else { return }
    let symbol = Int(nodes[Int(node)].b)
    symbols[symbol].reads -= 1
    symbols[symbol].writes += 1
    let declaration = nodes[Int(symbols[symbol].declaration.index)]
    if declaration.kind == .localName, declaration.c != 0 {
      throw failConstantTarget(node, declaration)
    }
  }

  mutating func closeFunctionScope() throws(SyntaxAbort) {
    if let pending = scopes.closeFunction() { throw failLabelMissing(pending) }
  }
}
