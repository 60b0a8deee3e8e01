// An artifact in memory: read whole into private pages that are then made read-only, and verified before
// use, so that nothing that happens to the file afterwards matters. Unsafe: the pages live as long as this
// object, and every view of the image is used only while someone holds it.

import CSystem
import Glibc
package import SpacerArtifact
import SpacerLuaVM

/// Why an artifact cannot be served: one sentence for the user.
package struct LoadError: Error, Equatable {
  package var message: String
}

/// A verified artifact. Immutable after its making, so any thread may read it.
package final class LoadedArtifact: @unchecked Sendable {
  // Thread rule: `image` and `memory` never change after init.
  private let memory: UnsafeMutableRawBufferPointer
  package let image: ArtifactImage
  /// The modules' names, by index; they point into the image.
  let names: UnsafeBufferPointer<UnsafeRawBufferPointer>

  /// Takes an artifact from `bytes`.
  package convenience init(bytes: [UInt8]) throws(LoadError) {
    let memory = try Self.allocate(bytes.count)
    bytes.withUnsafeBytes { memory.copyMemory(from: $0) }
    try self.init(adopting: memory, length: bytes.count, name: "the artifact")
  }

  /// Reads the artifact at `path`.
  package convenience init(path: String) throws(LoadError) {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let hint = errno == ENOENT ? ": build it first with 'spacer build'" : ""
      throw LoadError(message: "cannot read \(path): \(String(cString: strerror(errno)))\(hint)")
    }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      let hint =
        status.st_mode & S_IFMT == S_IFDIR
        ? "a folder: build it first with 'spacer build'" : "no regular file"
      throw LoadError(message: "cannot read \(path): it is \(hint)")
    }
    let length = Int(status.st_size)
    guard length > 0 else { throw LoadError(message: "\(path) is empty: build it again with 'spacer build'") }
    let memory = try Self.allocate(length)
    var count = 0
    while count < length, let base = memory.baseAddress {
      let result = Glibc.read(descriptor, base + count, length - count)
      if result < 0 && errno == EINTR { continue }
      guard result > 0 else { break }
      count += result
    }
    guard count == length else {
      munmap(memory.baseAddress, memory.count)
      throw LoadError(message: "cannot read \(path): it changed while it was read")
    }
    try self.init(adopting: memory, length: length, name: path)
  }

  private init(
    adopting memory: UnsafeMutableRawBufferPointer, length: Int, name: String
  ) throws(LoadError) {
    mprotect(memory.baseAddress, memory.count, PROT_READ)
    self.memory = memory
    let image: ArtifactImage
    do throws(ArtifactError) {
      image = try ArtifactImage(
        verifying: UnsafeRawBufferPointer(start: memory.baseAddress, count: length),
        reader: ReaderIdentity(luaRelease: LuaHostState.luaRelease, architecture: Self.architecture))
    } catch {
      munmap(memory.baseAddress, memory.count)
      throw LoadError(message: "cannot use \(name): \(error); build it again with 'spacer build'")
    }
    self.image = image
    let names = UnsafeMutableBufferPointer<UnsafeRawBufferPointer>.allocate(capacity: image.moduleCount)
    for index in 0..<image.moduleCount { names.initializeElement(at: index, to: image.module(index).name) }
    self.names = UnsafeBufferPointer(names)
  }

  deinit {
    names.deallocate()
    munmap(memory.baseAddress, memory.count)
  }

  /// The processor this program runs on.
  package static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "aarch64"
    #else
      "unknown"
    #endif
  }

  private static func allocate(_ length: Int) throws(LoadError) -> UnsafeMutableRawBufferPointer {
    guard let address = mmap(nil, max(length, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      address != MAP_FAILED
    else { throw LoadError(message: "no memory for an artifact of \(length) bytes") }
    return UnsafeMutableRawBufferPointer(start: address, count: max(length, 1))
  }

  // MARK: What the dispatcher asks

  @inline(__always)
  var routes: RouteTable { image.routes }
  var moduleCount: Int { image.moduleCount }

  func path(of module: Int) -> UnsafeRawBufferPointer { image.module(module).path }
  func bytecode(of module: Int) -> UnsafeRawBufferPointer { image.module(module).bytecode }

  /// The function `name` names, private ones by their whole name.
  func function(named name: UnsafeRawBufferPointer) -> Int? { image.moduleIndex(named: name, .function) }

  /// The module `require` of a normalised name means: `app/` first, then `lib/`.
  func module(required name: UnsafeRawBufferPointer) -> Int? {
    image.moduleIndex(named: name, .function) ?? image.moduleIndex(named: name, .library)
  }

  package func setting(_ key: String) -> ArtifactContents.SettingValue? { image.setting(key) }

  /// Pairs of this artifact's and an earlier one's index of each module that is the same in both, together
  /// with everything it requires.
  func unchangedModules(since old: LoadedArtifact) -> [(new: Int, old: Int)] {
    var partner = [Int?](repeating: nil, count: moduleCount)
    for index in 0..<moduleCount {
      let module = image.module(index)
      guard
        let other = old.image.moduleIndex(named: module.name, module.kind == .library ? .library : .function)
      else { continue }
      if old.image.module(other).contentHash == module.contentHash { partner[index] = other }
    }
    // A change spreads to whoever requires the changed module, until nothing more changes.
    var changed = true
    while changed {
      changed = false
      for index in 0..<moduleCount where partner[index] != nil {
        if image.module(index).requires.contains(where: { partner[$0] == nil }) {
          partner[index] = nil
          changed = true
        }
      }
    }
    return partner.enumerated().compactMap { index, old in old.map { (index, $0) } }
  }
}
