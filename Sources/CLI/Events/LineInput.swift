// Lines of a file or a pipe, without holding more of it than one line and a block.

import Glibc

/// Reads lines. The descriptor is the caller's.
struct LineInput {
  private let descriptor: Int32
  private let name: String
  private let lineBytesMax: Int
  private var buffer: [UInt8] = []
  private var place = 0
  private var hasEnded = false
  private var block = [UInt8](repeating: 0, count: 64 << 10)

  /// - Parameter name: For messages.
  init(descriptor: Int32, name: String, lineBytesMax: Int) {
    self.descriptor = descriptor
    self.name = name
    self.lineBytesMax = lineBytesMax
  }

  /// The next line without its end; nil behind the last one.
  mutating func next() throws(CommandFailure) -> [UInt8]? {
    var searched = place
    while true {
      if let end = buffer[searched...].firstIndex(of: 10) {
        defer { place = end + 1 }
        return Array(buffer[place..<end])
      }
      searched = buffer.count
      if hasEnded {
        guard place < buffer.count else { return nil }
        defer { place = buffer.count }
        return Array(buffer[place...])
      }
      guard buffer.count - place <= lineBytesMax else {
        throw CommandFailure(
          status: ExitStatus.usage, message: "the line is longer than \(lineBytesMax) bytes")
      }
      searched -= place
      buffer.removeFirst(place)
      place = 0
      try fill()
    }
  }

  /// All that is left.
  mutating func rest() throws(CommandFailure) -> [UInt8] {
    while !hasEnded {
      guard buffer.count - place <= lineBytesMax else {
        throw CommandFailure(
          status: ExitStatus.usage, message: "\(name) has more than \(lineBytesMax) bytes")
      }
      try fill()
    }
    defer { place = buffer.count }
    return Array(buffer[place...])
  }

  private mutating func fill() throws(CommandFailure) {
    while true {
      let count = block.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .missing("cannot read \(name): \(String(cString: strerror(errno)))")
      }
      if count == 0 { hasEnded = true } else { buffer.append(contentsOf: block[..<count]) }
      return
    }
  }
}
