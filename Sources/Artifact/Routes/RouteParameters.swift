// Where a match writes its parameters: ranges of bytes of the path, in a value of fixed size that its owner
// keeps and passes again for the next request. Keep it where Swift can see statically that access is exclusive
// (a local variable, a field of a struct or of unsafe memory): as a property of a class, each match pays a
// check at run time that takes as long as the match.

/// The parameters of one match, in the order in which the pattern names them.
package struct RouteParameters: Sendable {
  /// `start | end << 32`; entries at and after `count` are left over from earlier.
  var ranges: InlineArray<32, UInt64>
  package internal(set) var count: Int

  /// No parameters.
  package init() {
    ranges = InlineArray(repeating: 0)
    count = 0
  }

  /// The bytes of the normalised path that the parameter takes. Traps unless `index < count`.
  ///
  /// A byte of 0 stands for a `/` that came in as `%2F`; `RouteParameters.copy` and `value` turn it back.
  package subscript(index: Int) -> Range<Int> {
    precondition(index >= 0 && index < count)
    let range = ranges[index]
    return Int(UInt32(truncatingIfNeeded: range))..<Int(range >> 32)
  }

  /// Copies a parameter's value out of the path it was matched in, with `/` for its stand-in, and returns its
  /// length. Traps when `destination` is shorter than the value.
  package func copy(_ index: Int, of path: Span<UInt8>, into destination: inout MutableSpan<UInt8>) -> Int {
    let range = self[index]
    for offset in 0..<range.count {
      let byte = path[range.lowerBound + offset]
      destination[offset] = byte == PathNormalizer.slashStandIn ? UInt8(ascii: "/") : byte
    }
    return range.count
  }

  /// A parameter's value as a string, for callers off the request path.
  package func value(_ index: Int, of path: [UInt8]) -> String {
    String(
      decoding: path[self[index]].map { $0 == PathNormalizer.slashStandIn ? UInt8(ascii: "/") : $0 },
      as: UTF8.self)
  }
}
