// This program with an application of its own behind it. The file says so twice: a mark among its own bytes
// states how long the whole file is, and the trailer at its end where the artifact lies, with a checksum over
// everything. So a file that was cut or changed is told from a plain `spacer-serve`, and refused.

import CSystem
import Glibc
import SpacerArtifact

enum StandaloneExecutable {
  /// The file of this program when it carries an application, which SIGHUP reads again; nil for a plain
  /// `spacer-serve`.
  ///
  /// It is the path that the program was started by, as far as that still leads to it, so that a link in it can
  /// be turned to another release; else the file itself.
  static func path(program: String) throws(LoadError) -> String? {
    let stated = spacer_standalone_file_bytes()
    guard stated != 0 else { return nil }
    var own = stat()
    guard stat("/proc/self/exe", &own) == 0 else {
      throw LoadError(message: "cannot read its own file: /proc is not mounted")
    }
    guard own.st_size == Int(clamping: stated) else {
      throw LoadError(message: damage("it should have \(stated) bytes and has \(own.st_size)", program))
    }
    var started = stat()
    if program.utf8.contains(UInt8(ascii: "/")), stat(program, &started) == 0, started.st_ino == own.st_ino,
      started.st_dev == own.st_dev
    {
      return program
    }
    guard let resolved = realpath("/proc/self/exe", nil) else {
      throw LoadError(message: "cannot find its own file: \(String(cString: strerror(errno)))")
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Where the artifact lies in a standalone executable, all of which is read to compare its checksum.
  static func artifact(in file: borrowing ArtifactDescriptor) throws(LoadError) -> Range<Int> {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 64)
    defer { buffer.deallocate() }
    let trailer: StandaloneTrailer
    do throws(ArtifactError) {
      let end = UnsafeMutableRawBufferPointer(rebasing: buffer[..<StandaloneTrailer.size])
      guard file.length >= end.count, file.read(file.length - end.count, end) else { throw .notStandalone }
      trailer = try StandaloneTrailer(UnsafeRawBufferPointer(end), fileLength: file.length)
    } catch .notStandalone {
      throw LoadError(
        message: "\(file.path) carries no application any more: put a file there that "
          + "'spacer build --standalone' made")
    } catch {
      throw LoadError(message: damage("\(error)", file.path))
    }
    guard var checksum = ChecksumStream() else { throw LoadError(message: "no memory to read \(file.path)") }
    let covered = file.length - StandaloneTrailer.uncoveredBytes
    for offset in stride(from: 0, to: covered, by: bufferBytes) {
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(bufferBytes, covered - offset)])
      guard file.read(offset, part) else {
        throw LoadError(message: "cannot read \(file.path): it changed while it was read")
      }
      checksum.add(UnsafeRawBufferPointer(part))
    }
    guard checksum.value == trailer.fileChecksum else {
      throw LoadError(message: damage("its checksum does not hold", file.path))
    }
    return trailer.artifact
  }

  private static let bufferBytes = 256 << 10

  private static func damage(_ what: String, _ name: String) -> String {
    "\(name) is damaged: \(what); it was cut short, changed, or copied by a tool such as strip that leaves the "
      + "application out: copy it again from its source, or build it again with 'spacer build --standalone'"
  }
}
