// The tokens of Lua 5.4. The keywords come first, in the order in which `Interner` knows them, so that an
// interned name below `TokenKind.keywordCount` is the keyword of that raw value.

enum TokenKind: UInt8, Sendable {
  case and, `break`, `do`, `else`, elseif, end, `false`, `for`, function, goto, `if`, `in`
  case local, `nil`, not, or, `repeat`, `return`, then, `true`, until, `while`
  case endOfFile
  case name, string, integer, float
  case plus, minus, star, slash, doubleSlash, percent, caret, hash
  case ampersand, tilde, pipe, shiftLeft, shiftRight
  case equal, notEqual, lessEqual, greaterEqual, less, greater, assign
  case leftParenthesis, rightParenthesis, leftBrace, rightBrace, leftBracket, rightBracket
  case doubleColon, semicolon, colon, comma, dot, concat, ellipsis

  static let keywords = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
    "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
  ]
  static let keywordCount = 22

  /// How strongly a binary operator holds on to what stands left of it; 0 for every other token.
  var leftPriority: Int {
    switch self {
    case .or: 1
    case .and: 2
    case .less, .greater, .lessEqual, .greaterEqual, .notEqual, .equal: 3
    case .pipe: 4
    case .tilde: 5
    case .ampersand: 6
    case .shiftLeft, .shiftRight: 7
    case .concat: 9
    case .plus, .minus: 10
    case .star, .slash, .doubleSlash, .percent: 11
    case .caret: 14
    default: 0
    }
  }

  /// The same for what stands right of it: lower where the operator associates to the right.
  var rightPriority: Int {
    switch self {
    case .concat: 8
    case .caret: 13
    default: leftPriority
    }
  }

  static let unaryPriority = 12

  var binaryOperator: BinaryOperator {
    switch self {
    case .or: .or
    case .and: .and
    case .less: .less
    case .greater: .greater
    case .lessEqual: .lessEqual
    case .greaterEqual: .greaterEqual
    case .notEqual: .notEqual
    case .equal: .equal
    case .pipe: .bitOr
    case .tilde: .bitXor
    case .ampersand: .bitAnd
    case .shiftLeft: .shiftLeft
    case .shiftRight: .shiftRight
    case .concat: .concat
    case .plus: .add
    case .minus: .subtract
    case .star: .multiply
    case .slash: .divide
    case .doubleSlash: .floorDivide
    case .percent: .modulo
    default: .power
    }
  }

  /// Ends a block; `until` does so only for statements, not for what a label may count as the block's end.
  func endsBlock(withUntil: Bool) -> Bool {
    switch self {
    case .else, .elseif, .end, .endOfFile: true
    case .until: withUntil
    default: false
    }
  }
}

/// One token and where it stands.
struct Token: Sendable {
  var kind: TokenKind
  var start: Int
  var end: Int
  /// A name's or string's index in the interner; the bits of an integer or float.
  var value: UInt64
}
