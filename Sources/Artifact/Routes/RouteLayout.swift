// The layout of the route table, section `routes` of an artifact; docs/artifact-format.md has it as tables.
// All offsets count from the table's first byte, so the table can lie anywhere; the first byte is aligned to
// 64, so that a node fills exactly one cache line.

/// Offsets and sizes, in bytes.
enum RouteLayout {
  static let alignment = 64

  /// At the table's beginning.
  enum Header {
    static let size = 64
    static let nodesOffset = 0
    static let nodeCount = 4
    static let routesOffset = 8
    static let routeCount = 12
    static let namesOffset = 16
    static let nameCount = 20
    static let allowsOffset = 24
    static let allowCount = 28
    static let textOffset = 32
    static let textLength = 36
    static let notFoundBody = 40
    static let methodNotAllowedBody = 48
    static let flags = 56
    static let depth = 60
  }

  /// Set in the header's flags when some route names HEAD itself.
  static let flagExplicitHead: UInt32 = 1

  /// A node of the tree, together with the edge that leads to it.
  enum Node {
    static let size = 64
    static let keyLow = 0
    static let keyHigh = 8
    static let textOffset = 16
    static let textLength = 20
    static let methodsHere = 22
    static let methodsBelow = 23
    static let statics = 24
    static let staticsMask = 28
    static let probes = 32
    static let shift = 34
    static let alternativeMethods = 35
    static let suffixCount = 36
    static let wildcardMethods = 38
    static let parameterMethods = 39
    static let others = 40
    static let parameter = 44
    static let routes = 48
  }

  /// Stands in a node's `routes` for a method without a route.
  static let noRoute: UInt16 = 0xFFFF

  enum Route {
    static let size = 32
    static let pattern = 0
    static let module = 8
    static let line = 12
    static let methods = 16
    static let parameterCount = 17
    static let reserved = 18
    static let firstName = 20
    static let allowedMethods = 24
    static let reservedEnd = 28
  }

  /// A reference to text: offset, length.
  enum Text {
    static let size = 8
  }

  enum Allow {
    static let size = 16
    static let text = 0
    static let methods = 8
    static let reserved = 9
  }
}

/// What a segment is compared by: its first eight bytes, little-endian, zero-padded when there are fewer, and
/// its last eight, or zero when there are at most eight in all. Together with the length they decide segments
/// of up to 16 bytes; of longer ones the bytes between are compared one by one.
struct SegmentKey: Equatable {
  var low: UInt64
  var high: UInt64

  init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  init(_ bytes: some Collection<UInt8>) {
    low = Self.word(bytes.prefix(8))
    high = bytes.count > 8 ? Self.word(bytes.suffix(8)) : 0
  }

  private static func word(_ bytes: some Collection<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Spreads the key over 64 bits; a node picks the bits that tell its children apart.
  var hash: UInt64 {
    @inline(__always) get { (low &* 0x9E37_79B9_7F4A_7C15) ^ (high &* 0xC2B2_AE3D_27D4_EB4F) }
  }
}
