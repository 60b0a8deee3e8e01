// An artifact in memory: read whole into private pages that are then made read-only, and verified before
// use, so that nothing that happens to the file afterwards matters. Unsafe: the pages live as long as this
// object, and every view of the image is used only while someone holds it.

import CSystem
import Glibc
package import SpacerArtifact
import SpacerLuaVM
package import Synchronization

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
    try self.init(adopting: memory, length: bytes.count, name: "the artifact", keys: .none)
  }

  /// Reads the artifact at `path`, which one of the keys must have signed, if there are any.
  package convenience init(path: String, keys: RequiredKeys = .none) throws(LoadError) {
    let file = try ArtifactDescriptor(path: path)
    guard file.length > 0 else {
      throw LoadError(message: "\(path) is empty: build it again with 'spacer build'")
    }
    try self.init(reading: 0..<file.length, of: file, keys: keys)
  }

  /// Reads the artifact within the standalone executable at `path`, all of which is verified.
  package convenience init(standalone path: String, keys: RequiredKeys) throws(LoadError) {
    let file = try ArtifactDescriptor(path: path)
    try self.init(reading: try StandaloneExecutable.artifact(in: file), of: file, keys: keys)
  }

  private convenience init(
    reading range: Range<Int>, of file: borrowing ArtifactDescriptor, keys: RequiredKeys
  ) throws(LoadError) {
    let memory = try Self.allocate(range.count)
    guard file.read(range.lowerBound, UnsafeMutableRawBufferPointer(rebasing: memory[..<range.count])) else {
      munmap(memory.baseAddress, memory.count)
      throw LoadError(message: "cannot read \(file.path): it changed while it was read")
    }
    try self.init(adopting: memory, length: range.count, name: file.path, keys: keys)
  }

  private init(
    adopting memory: UnsafeMutableRawBufferPointer, length: Int, name: String, keys: RequiredKeys
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
    if let refusal = keys.refusal(of: image, name: name) {
      munmap(memory.baseAddress, memory.count)
      throw LoadError(message: refusal)
    }
    self.image = image
    let names = UnsafeMutableBufferPointer<UnsafeRawBufferPointer>.allocate(capacity: image.moduleCount)
    for index in 0..<image.moduleCount { names.initializeElement(at: index, to: image.module(index).name) }
    self.names = UnsafeBufferPointer(names)
  }

  deinit {
    names.deallocate()
    Self.free(memory)
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

  // MARK: Memory

  /// Keep the memory of an artifact that ends for the next one, as `dev` does, which makes one after the other: pages
  /// that are there already are not filled with zeros first.
  package static let keepsSpare = Atomic(false)
  private static let spare = Mutex<Block?>(nil)
  /// Blocks are larger than asked for by up to this, so that a little longer artifact fits too.
  private static let slackBytes = 64 << 10

  private struct Block: @unchecked Sendable {
    // Thread rule: whoever takes it out of `spare` alone has it.
    var memory: UnsafeMutableRawBufferPointer
  }

  /// Writable pages of at least a length.
  private static func allocate(_ length: Int) throws(LoadError) -> UnsafeMutableRawBufferPointer {
    if let memory = takeSpare(length) { return memory }
    let slack = keepsSpare.load(ordering: .relaxed) ? slackBytes : 0
    let count = max(length, 1) + slack
    guard let address = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      address != MAP_FAILED
    else { throw LoadError(message: "no memory for an artifact of \(length) bytes") }
    return UnsafeMutableRawBufferPointer(start: address, count: count)
  }

  private static func takeSpare(_ length: Int) -> UnsafeMutableRawBufferPointer? {
    guard keepsSpare.load(ordering: .relaxed), let block = spare.withLock({ $0.take() }) else { return nil }
    let isFitting = block.memory.count >= length && block.memory.count / 4 <= length
    if isFitting, mprotect(block.memory.baseAddress, block.memory.count, PROT_READ | PROT_WRITE) == 0 {
      return block.memory
    }
    munmap(block.memory.baseAddress, block.memory.count)
    return nil
  }

  private static func free(_ memory: UnsafeMutableRawBufferPointer) {
    var block: Block? = Block(memory: memory)
    if keepsSpare.load(ordering: .relaxed) { spare.withLock { swap(&$0, &block) } }
    if let block { munmap(block.memory.baseAddress, block.memory.count) }
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
      guard let other = place(of: module, at: index, in: old) else { continue }
      if old.image.module(other).contentHash == module.contentHash { partner[index] = other }
    }
    // A change spreads to whoever requires the changed module.
    var requiredBy = [[Int]](repeating: [], count: moduleCount)
    for index in 0..<moduleCount where partner[index] != nil {
      for target in image.module(index).requires { requiredBy[target].append(index) }
    }
    var changed = partner.indices.filter { partner[$0] == nil }
    while let index = changed.popLast() {
      for other in requiredBy[index] where partner[other] != nil {
        partner[other] = nil
        changed.append(other)
      }
    }
    return partner.enumerated().compactMap { index, old in old.map { (index, $0) } }
  }

  /// The index of a module of this artifact in an earlier one; mostly it is the same.
  private func place(of module: ArtifactImage.Module, at index: Int, in old: LoadedArtifact) -> Int? {
    if index < old.moduleCount {
      let other = old.image.module(index)
      if other.kind == module.kind, other.name.elementsEqual(module.name) { return index }
    }
    return old.image.moduleIndex(named: module.name, module.kind == .library ? .library : .function)
  }
}
