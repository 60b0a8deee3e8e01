// A project as a dictionary, for tests and for tools that build what is not on disk.

/// Files held in memory; paths relative to the project with `/` as separator.
package struct MemoryFiles: ProjectFiles {
  package var contents: [String: [UInt8]]

  package init(_ contents: [String: [UInt8]]) { self.contents = contents }

  /// The folders that are listed.
  package var folders = ScanLimits.folders

  /// From text, for literals in tests.
  package init(text: [String: String]) { contents = text.mapValues { Array($0.utf8) } }

  package func list() throws(FileReadError) -> [ProjectFile] { try listing().files }

  package func listing() throws(FileReadError) -> FileListing {
    var listing = FileListing(files: [])
    for path in contents.keys {
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count > 1, let folder = parts.first, folders.contains(String(folder)) else {
        continue
      }
      guard !parts.contains(where: { $0.isEmpty || $0.hasPrefix(".") }) else { continue }
      if let reason = FileNames.reasonAgainst(path) {
        listing.problems.append(FileReadError(path: path, reason: reason))
      } else {
        listing.files.append(ProjectFile(path: path))
      }
    }
    listing.files.sort { ByteOrder.precedes($0.path, $1.path) }
    listing.problems.sort { ByteOrder.precedes($0.path, $1.path) }
    return listing
  }

  package func read(_ path: String) throws(FileReadError) -> [UInt8] {
    guard let bytes = contents[path] else { throw FileReadError(path: path, reason: "no such file") }
    guard bytes.count <= ScanLimits.fileBytesMax else {
      throw FileReadError(path: path, reason: FileNames.tooLarge)
    }
    return bytes
  }
}

/// Rules for names that every source of files shares.
enum FileNames {
  static let tooLarge = "it is larger than 16 MiB"

  /// Why a path cannot be a module's, or nil. Spaces and any letters are fine.
  static func reasonAgainst(_ path: String) -> String? {
    let isControlled = path.unicodeScalars.contains { scalar in
      scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
    return isControlled ? "its name holds a control character" : nil
  }
}
