// A project on disk.
//
// Symbolic links are followed, as editors and the original do. A folder that is its own ancestor ends there
// (a loop of links), and depth and number are bounded, so that no arrangement of links runs for ever.

/// The files of the project at `root`.
package struct DiskFiles: ProjectFiles {
  /// The project's folder, absolute or relative to the working directory.
  package let root: String

  private let folders: [String]

  package init(root: String, folders: [String] = ScanLimits.folders) {
    self.root = root.isEmpty ? "." : root
    self.folders = folders
  }

  package func list() throws(FileReadError) -> [ProjectFile] { try listing().files }

  package func listing() throws(FileReadError) -> FileListing {
    let status = DirectoryReader.status(of: root)
    switch status.kind {
    case .directory: break
    case .missing(let code): throw FileReadError(path: root, reason: SystemError(code: code).reason)
    default: throw FileReadError(path: root, reason: "not a folder")
    }
    var walk = Walk(root: root)
    for folder in folders {
      let status = DirectoryReader.status(of: root + "/" + folder)
      switch status.kind {
      case .directory: walk.visit(folder, identity: status.fingerprint, ancestors: [])
      case .missing(let code):
        // A folder that is not there holds nothing; one behind a closed door is a problem.
        if code != SystemError.noEntry { walk.report(folder, SystemError(code: code).reason) }
      case .file, .other: walk.report(folder, "not a folder")
      }
    }
    walk.listing.files.sort { ByteOrder.precedes($0.path, $1.path) }
    walk.listing.problems.sort { ByteOrder.precedes($0.path, $1.path) }
    return walk.listing
  }

  package func read(_ path: String) throws(FileReadError) -> [UInt8] {
    guard let location = location(of: path) else {
      throw FileReadError(path: path, reason: "not a project path")
    }
    do {
      guard let bytes = try DirectoryReader.contents(of: location, bytesMax: ScanLimits.fileBytesMax) else {
        throw FileReadError(path: path, reason: FileNames.tooLarge)
      }
      return bytes
    } catch let error as SystemError {
      throw FileReadError(path: path, reason: error.reason)
    } catch let error as FileReadError {
      throw error
    } catch {
      throw FileReadError(path: path, reason: "it cannot be read")
    }
  }

  package func fingerprint(_ path: String) -> FileFingerprint? {
    guard let location = location(of: path) else { return nil }
    let status = DirectoryReader.status(of: location)
    guard status.kind == .file else { return nil }
    // File systems count time in steps of up to two seconds: within one, a change may leave no trace.
    let age = DirectoryReader.now() - status.fingerprint.changedNanoseconds
    return age > ScanLimits.settledNanoseconds ? status.fingerprint : nil
  }

  /// Nil for a path that would leave the project by its text.
  private func location(of path: String) -> String? {
    guard !path.isEmpty, !path.utf8.contains(0), !path.hasPrefix("/") else { return nil }
    guard !path.split(separator: "/").contains("..") else { return nil }
    return root + "/" + path
  }
}

/// One walk over the folders.
private struct Walk {
  let root: String
  var listing = FileListing(files: [])
  private var folderCount = 0
  private var isFull = false

  init(root: String) { self.root = root }

  mutating func report(_ path: String, _ reason: String) {
    listing.problems.append(FileReadError(path: path, reason: reason))
  }

  /// Lists `folder` (relative to the project); `ancestors` are the folders it is in.
  mutating func visit(_ folder: String, identity: FileFingerprint, ancestors: [FileFingerprint]) {
    let isLoop = ancestors.contains { $0.inode == identity.inode && $0.device == identity.device }
    guard !isLoop, !isFull else { return }
    folderCount += 1
    guard folderCount <= ScanLimits.foldersMax else {
      isFull = true
      return report(folder, "the project has more than \(ScanLimits.foldersMax) folders")
    }
    guard ancestors.count < ScanLimits.depthMax else {
      return report(folder, "folders are nested deeper than \(ScanLimits.depthMax)")
    }
    let names: [[UInt8]]
    do {
      names = try DirectoryReader.entries(of: root + "/" + folder)
    } catch {
      return report(folder, error.reason)
    }
    for bytes in names where bytes.first != 0x2E {
      guard !isFull else { return }
      guard let name = String(validating: bytes, as: UTF8.self) else {
        let shown = folder + "/" + String(decoding: bytes, as: UTF8.self)
        report(shown, "its name is not valid UTF-8")
        continue
      }
      visitEntry(folder + "/" + name, within: ancestors + [identity])
    }
  }

  private mutating func visitEntry(_ path: String, within ancestors: [FileFingerprint]) {
    if let reason = FileNames.reasonAgainst(path) { return report(path, reason) }
    let status = DirectoryReader.status(of: root + "/" + path)
    switch status.kind {
    case .directory: visit(path, identity: status.fingerprint, ancestors: ancestors)
    case .file:
      guard listing.files.count < ScanLimits.filesMax else {
        isFull = true
        return report(path, "the project has more than \(ScanLimits.filesMax) files")
      }
      listing.files.append(ProjectFile(path: path))
    case .other:
      if path.hasSuffix(".lua") { report(path, SystemError(code: SystemError.notRegular).reason) }
    case .missing(let code):
      // A file that vanished between the two calls, or a link whose target is away.
      if path.hasSuffix(".lua") { report(path, "the link leads nowhere: " + SystemError(code: code).reason) }
    }
  }
}
