// The syntax tree of one Lua file, flat: nodes in one array, children by index, so that parsing a large
// project allocates a handful of arrays a file and never a class a node.
//
// Invariants: a child's index is valid for `nodes`; `lists` holds runs of node indexes; names and decoded
// string contents are interned in `strings`; node 0 is the chunk's block.

/// An index into `SyntaxTree.nodes`; `NodeID.none` where an optional child is absent.
package struct NodeID: Equatable, Hashable, Sendable {
  package var index: UInt32
  package init(_ index: Int) { self.index = UInt32(truncatingIfNeeded: index) }
  package static let none = NodeID(Int(UInt32.max))
  package var isNone: Bool { index == UInt32.max }
}

/// What a node is. The comment gives the meaning of its fields `a`, `b`, `c`; "list" is an index into
/// `lists` where a count is followed by that many node indexes; "string" is an index into `strings`.
package enum NodeKind: UInt8, Sendable {
  // Blocks and statements
  case block  // a: list of statements
  case localStatement  // a: list of localName, b: list of expressions
  case localName  // a: string, b: symbol, c: attribute (0 none, 1 const, 2 close)
  case assignment  // a: list of targets, b: list of expressions
  case callStatement  // a: call or methodCall
  case doStatement  // a: block
  case whileStatement  // a: condition, b: block, c: 1 when a `break` leaves it
  case repeatStatement  // a: block, b: condition, c: 1 when a `break` leaves it
  case ifStatement  // a: list of alternating condition, block; b: else block or none
  case numericFor  // a: localName, b: list of 2 or 3 expressions, c: block
  case genericFor  // a: list of localName, b: list of expressions, c: block
  case functionStatement  // a: target (name or index; a method's target is index), b: function
  case localFunction  // a: localName, b: function
  case returnStatement  // a: list of expressions
  case breakStatement
  case gotoStatement  // a: string
  case labelStatement  // a: string
  // Expressions
  case nilLiteral
  case trueLiteral
  case falseLiteral
  case integerLiteral  // a, b: low and high half of the 64-bit value
  case floatLiteral  // a, b: low and high half of the bit pattern
  case stringLiteral  // a: string
  case vararg
  /// A method's implicit `self` is its first localName.
  case function  // a: list of localName, b: block, c: bit 0 vararg, bit 1 method
  case localReference  // a: string, b: symbol
  /// A free name, `_ENV.name` to the VM. The name `_ENV` itself, when no local bears it, is one too.
  case globalReference  // a: string
  /// Where a local `_ENV` is in scope a free name `x` becomes `_ENV.x` with `c` 2.
  case index  // a: object, b: key; c: 1 when written `.name` (the key is then a stringLiteral)
  case call  // a: callee, b: list of arguments
  case methodCall  // a: object, b: list of arguments, c: string (the method's name)
  case binary  // a: left, b: right, c: BinaryOperator
  case unary  // a: operand, c: UnaryOperator
  case parenthesized  // a: expression
  case table  // a: list of tableItem / tableNamed / tableKeyed
  case tableItem  // a: value
  case tableNamed  // a: key (stringLiteral), b: value
  case tableKeyed  // a: key, b: value
}

package enum BinaryOperator: UInt32, Sendable {
  case or, and, less, greater, lessEqual, greaterEqual, notEqual, equal
  case bitOr, bitXor, bitAnd, shiftLeft, shiftRight, concat
  case add, subtract, multiply, divide, floorDivide, modulo, power
}

package enum UnaryOperator: UInt32, Sendable { case not, length, negate, bitNot }

/// One node: 24 bytes.
package struct Node: Sendable {
  package var kind: NodeKind
  package var a: UInt32
  package var b: UInt32
  package var c: UInt32
  /// Bytes of the source it covers.
  package var start: UInt32
  package var end: UInt32
}

/// A local variable, parameter or loop variable, as the resolver found it.
package struct Symbol: Sendable {
  /// Index into `SyntaxTree.strings`.
  package var name: UInt32
  package var declaration: NodeID
  /// How often its value is read (an assignment to it is no read).
  package var reads: UInt32
  package var writes: UInt32
  package var kind: Kind
  /// Declared in the main chunk itself, outside every function.
  package var isTopLevel: Bool

  package enum Kind: UInt8, Sendable { case local, parameter, loop, function, implicitSelf }
}

/// A comment's place, kept for `-- spacer: ignore ID`.
package struct Comment: Sendable {
  /// Covers the dashes and the text, without the line's end.
  package var range: SourceRange
}

/// The tree of one file.
package struct SyntaxTree: Sendable {
  package var nodes: [Node] = []
  package var lists: [UInt32] = []
  package var strings = StringTable()
  package var symbols: [Symbol] = []
  package var comments: [Comment] = []

  package init() {}

  package subscript(id: NodeID) -> Node { nodes[Int(id.index)] }

  /// The nodes of the list that starts at `list`.
  package func list(_ list: UInt32) -> ArraySlice<UInt32> {
    let start = Int(list)
    let count = Int(lists[start])
    return lists[(start + 1)..<(start + 1 + count)]
  }

  package func text(_ string: UInt32) -> String { String(decoding: strings[Int(string)], as: UTF8.self) }

  package func range(_ id: NodeID) -> SourceRange {
    let node = self[id]
    return SourceRange(start: Int(node.start), end: Int(node.end))
  }
}
