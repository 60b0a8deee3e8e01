// An artifact that a command looks into: its bytes, aligned as the format wants them, and the verified view.
// Unsafe: the memory is allocated and filled here once, never changed, and freed with the object, so a view
// must not outlive the object it came from.

import Glibc
import SpacerArtifact

/// A verified artifact in this process's memory.
final class ArtifactFile {
  /// The view; use it only while this object lives.
  let image: ArtifactImage
  /// The same as plain values.
  let contents: ArtifactContents
  private let memory: UnsafeMutableRawBufferPointer

  /// Verifies `bytes`. Artifacts for other machines are welcome: nothing is run here.
  init(_ bytes: [UInt8]) throws(ArtifactError) {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(bytes.count, 1), alignment: ArtifactLayout.alignment)
    memory.copyBytes(from: bytes)
    let exact = UnsafeRawBufferPointer(rebasing: memory[..<bytes.count])
    do throws(ArtifactError) {
      image = try ArtifactImage(verifying: exact, reader: nil)
    } catch {
      memory.deallocate()
      throw error
    }
    contents = image.contents()
    self.memory = memory
  }

  /// The file itself, or the artifact that a standalone executable carries.
  private static func artifact(in file: [UInt8]) throws(ArtifactError) -> [UInt8] {
    let found = file.withUnsafeBytes { bytes -> Result<Range<Int>, ArtifactError>? in
      guard StandaloneTrailer.isPresent(atEndOf: bytes) else { return nil }
      do throws(ArtifactError) {
        return .success(try StandaloneTrailer.verify(bytes))
      } catch {
        return .failure(error)
      }
    }
    return try found.map { result throws(ArtifactError) in Array(file[try result.get()]) } ?? file
  }

  deinit { memory.deallocate() }

  /// Reads and verifies the file at `path`.
  static func open(_ path: String) throws(CommandFailure) -> ArtifactFile {
    let bytes: [UInt8]
    do throws(SystemFailure) {
      bytes = try Files.read(path)
    } catch {
      let way =
        switch error.code {
        case ENOENT: "\(error.reason): build it first with 'spacer build'"
        case EISDIR: "it is a folder: build it first with 'spacer build'"
        default: error.reason
        }
      throw .missing("cannot read \(path): \(way)")
    }
    do throws(ArtifactError) {
      return try ArtifactFile(try artifact(in: bytes))
    } catch {
      throw .missing("cannot use \(path): \(error); build it again with 'spacer build'")
    }
  }
}
