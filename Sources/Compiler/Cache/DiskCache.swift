// The build cache on disk: `.spacer/cache/NAME`, each file its HMAC-SHA256 followed by the content.
//
// The key is a random one per user, kept outside every project, so that a cache that came along with a
// project (copied, checked out, unpacked) or was damaged is never believed. Without a key there is no cache.

internal import Glibc

/// A project's cache folder.
package struct DiskCache: BuildCache {
  /// `.spacer/cache` within the project, unless another was named.
  private let folder: String
  private let key: CacheKey

  /// Nil when there is no key and none can be made: then nothing is cached.
  /// - Parameters:
  ///   - project: the project's folder.
  ///   - stateFolder: where the user's key lives; by default `$XDG_STATE_HOME/spacer` or
  ///     `~/.local/state/spacer`.
  package init?(project: String, stateFolder: String? = nil) {
    self.init(folder: project + "/.spacer/cache", stateFolder: stateFolder)
  }

  /// The same in a folder of the caller's choice, made when something is stored.
  package init?(folder: String, stateFolder: String? = nil) {
    guard let state = stateFolder ?? Self.defaultStateFolder(), let key = CacheKeyFile.key(in: state) else {
      return nil
    }
    self.folder = folder
    self.key = key
  }

  package func load(_ name: String) -> [UInt8]? {
    guard
      var bytes = try? DirectoryReader.contents(
        of: folder + "/" + name, bytesMax: CompilerLimits.cacheBytesMax),
      bytes.count >= CacheKey.bytesCount
    else { return nil }
    let code = Array(bytes[..<CacheKey.bytesCount])
    guard key.verifies(code[...], of: bytes[CacheKey.bytesCount...]) else { return nil }
    bytes.removeFirst(CacheKey.bytesCount)
    return bytes
  }

  package func store(_ name: String, _ bytes: [UInt8]) {
    guard FileWriter.makeFolders(folder, mode: 0o777) else { return }
    _ = FileWriter.replace(folder + "/" + name, with: [key.code(of: bytes[...]), bytes], mode: 0o666)
  }

  private static func defaultStateFolder() -> String? {
    func variable(_ name: String) -> String? {
      guard let value = getenv(name), value[0] == CChar(bitPattern: UInt8(ascii: "/")) else { return nil }
      return String(cString: value)
    }
    if let state = variable("XDG_STATE_HOME") { return state + "/spacer" }
    return variable("HOME").map { $0 + "/.local/state/spacer" }
  }
}

/// The file that holds the user's key.
enum CacheKeyFile {
  static let name = "cache.key"

  /// The key in `folder`, made there when it is missing; nil when that fails, or when others could have
  /// read or written it.
  static func key(in folder: String) -> CacheKey? {
    let path = folder + "/" + name
    if let key = existing(path) { return key }
    guard FileWriter.makeFolders(folder, mode: 0o700), let bytes = CacheKey.random() else { return nil }
    // Of two processes that make one at once, the first wins and both use it.
    guard FileWriter.create(path, bytes, mode: 0o600) else { return nil }
    return existing(path)
  }

  private static func existing(_ path: String) -> CacheKey? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
      status.st_mode & 0o077 == 0
    else { return nil }
    let bytes = [UInt8](unsafeUninitializedCapacity: CacheKey.bytesCount + 1) { buffer, count in
      count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
    }
    return CacheKey(bytes)
  }
}
