// The runtime's executable as something an artifact can be put behind: `spacer-serve`, which stands beside
// `spacer`, with the length of the whole file written behind the mark in its bytes (CSystem/standalone.c).

import SpacerArtifact

/// A copy of `spacer-serve` in memory.
struct StandaloneRuntime {
  /// Here and in the C file only: `spacer-serve` must hold it once.
  private static let mark = Array("spacer-standalone-marker".utf8)

  private let executable: [UInt8]
  /// Where the length goes, 8 bytes.
  private let lengthOffset: Int

  /// Reads `spacer-serve`.
  init() throws(CommandFailure) {
    let path: String
    let bytes: [UInt8]
    do throws(SystemFailure) {
      path = try Files.runtimeExecutable()
      bytes = try Files.read(path)
    } catch {
      throw .missing(
        "cannot read the runtime, \(error); install spacer and spacer-serve together")
    }
    let places = Self.places(of: Self.mark, in: bytes)
    guard places.count == 1, let place = places.first, place + Self.mark.count + 8 <= bytes.count,
      bytes[(place + Self.mark.count)...].prefix(8).allSatisfy({ $0 == 0 })
    else {
      throw .missing(
        "\(path) is not the runtime of this Spacer: install spacer and spacer-serve together")
    }
    executable = bytes
    lengthOffset = place + Self.mark.count
  }

  /// The executable with an artifact behind it.
  func carrying(_ artifact: [UInt8]) -> [UInt8] {
    var marked = executable
    var length = UInt64(
      StandaloneTrailer.fileBytes(executable: executable.count, artifact: artifact.count))
    for offset in lengthOffset..<(lengthOffset + 8) {
      marked[offset] = UInt8(truncatingIfNeeded: length)
      length >>= 8
    }
    return StandaloneTrailer.append(artifact, to: marked)
  }

  private static func places(of mark: [UInt8], in bytes: [UInt8]) -> [Int] {
    guard let first = mark.first, bytes.count >= mark.count else { return [] }
    return bytes.withUnsafeBufferPointer { bytes in
      var result: [Int] = []
      var position = 0
      while position <= bytes.count - mark.count {
        if bytes[position] == first && bytes[position...].starts(with: mark) { result.append(position) }
        position += 1
      }
      return result
    }
  }
}
