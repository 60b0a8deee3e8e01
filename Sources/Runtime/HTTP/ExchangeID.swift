// Names one request that is being answered. A slot counts its requests and connections in one number that
// never goes back, so an identifier of an earlier request, or of a connection that is gone, matches nothing.

/// Identifies one exchange of a server; stale ones are ignored wherever they are given.
package struct ExchangeID: Hashable, Sendable, BitwiseCopyable {
  package let rawValue: UInt64

  static let slotBits: UInt64 = 24

  /// - Precondition: The slot fits 24 bits, the serial 40.
  init(slot: Int, serial: UInt64) {
    rawValue = serial << Self.slotBits | UInt64(slot)
  }

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  var slot: Int { Int(rawValue & (1 << Self.slotBits - 1)) }
  var serial: UInt64 { rawValue >> Self.slotBits }
}
