// The values of the key-value store.

/// What a value is; its text is kept beside, a number or boolean is in the bits.
package enum KVKind: UInt8, Sendable {
  case string
  /// A table as JSON text.
  case json
  case integer, float, boolean
}

/// A value on its way in. The text is borrowed for the length of the call.
package struct KVValue {
  package var kind: KVKind
  /// An integer's or float's bits, 0 or 1 for a boolean, else 0.
  package var bits: UInt64
  /// Empty unless the value is a string or JSON.
  package var text: UnsafeRawBufferPointer

  package init(kind: KVKind, bits: UInt64 = 0, text: UnsafeRawBufferPointer = .init(start: nil, count: 0)) {
    self.kind = kind
    self.bits = bits
    self.text = text
  }

  package static func integer(_ value: Int64) -> KVValue {
    KVValue(kind: .integer, bits: UInt64(bitPattern: value))
  }
  package static func float(_ value: Double) -> KVValue { KVValue(kind: .float, bits: value.bitPattern) }
  package static func boolean(_ value: Bool) -> KVValue { KVValue(kind: .boolean, bits: value ? 1 : 0) }
}

extension KVValue {
  /// An integer or float as a float.
  var number: Double? {
    switch kind {
    case .integer: Double(Int64(bitPattern: bits))
    case .float: Double(bitPattern: bits)
    default: nil
    }
  }

  /// What Lua's `==` says; tables are equal when their texts are.
  func equals(_ other: KVValue) -> Bool {
    switch (kind, other.kind) {
    case (.float, _), (_, .float):
      guard let mine = number, let theirs = other.number else { return false }
      if kind == other.kind { return mine == theirs }
      // A float equals an integer only when it is exactly that one.
      let (integer, float) = kind == .integer ? (bits, theirs) : (other.bits, mine)
      return Int64(exactly: float) == Int64(bitPattern: integer)
    case (let mine, let theirs):
      return mine == theirs && bits == other.bits && text.elementsEqual(other.text)
    }
  }
}
