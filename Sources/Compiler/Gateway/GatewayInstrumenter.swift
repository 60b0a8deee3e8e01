// Makes a module tell where its tables come from: every table constructor `{…}` becomes `mark({…}, id)`, so
// that an entry of the gateway is traced to the place that made it, whether it was written out or computed.
//
//   local mark = ... return function(...) TEXT
//   end
//
// No line is added before or within TEXT, so positions in messages stay right. The name of `mark` occurs
// nowhere in the text, and as a local it is found whatever the module does with `_ENV`.

/// A module's text with its table constructors marked.
struct InstrumentedText: Sendable {
  var text: [UInt8]
  /// The constructor that each id stands for, the first id first.
  var constructors: [NodeID]
}

/// Rewrites modules that the gateway loads.
enum GatewayInstrumenter {
  /// - Parameters:
  ///   - tree: the whole tree of `bytes`.
  ///   - firstID: the id of the first constructor.
  static func instrument(_ bytes: [UInt8], tree: SyntaxTree, firstID: Int) -> InstrumentedText {
    let name = unusedName(in: bytes)
    var insertions: [Insertion] = []
    var constructors: [NodeID] = []
    var calledTables: Set<UInt32> = []
    for node in tree.nodes where node.kind == .call || node.kind == .methodCall {
      // `f{…}`: the call ends with its table; `f({…})` ends with a parenthesis.
      let arguments = tree.list(node.b)
      if arguments.count == 1, let table = arguments.first, tree.nodes[Int(table)].kind == .table,
        tree.nodes[Int(table)].end == node.end
      {
        calledTables.insert(table)
      }
    }
    for (index, node) in tree.nodes.enumerated() where node.kind == .table {
      let isCalled = calledTables.contains(UInt32(index))
      let id = firstID + constructors.count
      constructors.append(NodeID(index))
      insertions.append(
        Insertion(offset: Int(node.start), isOpening: true, text: isCalled ? "(\(name)(" : "\(name)("))
      insertions.append(
        Insertion(offset: Int(node.end), isOpening: false, text: isCalled ? ",\(id)))" : ",\(id))"))
    }
    insertions.sort { ($0.offset, $0.isOpening ? 1 : 0) < ($1.offset, $1.isOpening ? 1 : 0) }

    var text = Array("local \(name) = ... return function(...) ".utf8)
    text.reserveCapacity(bytes.count + insertions.count * 24 + 64)
    var copied = LuaSource.body(of: bytes)
    for insertion in insertions {
      text.append(contentsOf: bytes[copied..<insertion.offset])
      text.append(contentsOf: insertion.text.utf8)
      copied = insertion.offset
    }
    text.append(contentsOf: bytes[copied...])
    text.append(contentsOf: "\nend".utf8)
    return InstrumentedText(text: text, constructors: constructors)
  }

  private struct Insertion {
    var offset: Int
    var isOpening: Bool
    var text: String
  }

  private static func unusedName(in bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    var name = "_mark"
    var number = 0
    while text.contains(name) {
      number += 1
      name = "_mark\(number)x"
    }
    return name
  }
}
