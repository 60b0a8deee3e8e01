// Which modules of an artifact are where, and what a change concerns.

import SpacerArtifact

extension LoadedArtifact {
  /// The paths of all modules.
  package var paths: [String] { (0..<image.moduleCount).map { image.module($0).pathString } }

  /// The modules at paths, in their order; those that the artifact does not hold are left out.
  package func modules(at paths: [String]) -> [Int] {
    let places = Dictionary(self.paths.enumerated().map { ($1, $0) }) { first, _ in first }
    return paths.compactMap { places[$0] }
  }

  /// The paths of the modules that are new or not the same as in an earlier artifact, or that require such a one.
  package func changedPaths(since old: LoadedArtifact) -> Set<String> {
    let unchanged = Set(unchangedModules(since: old).map(\.new))
    return Set(paths.enumerated().filter { !unchanged.contains($0.offset) }.map(\.element))
  }

  /// Whether routes, wiring and settings are the same, whatever the modules hold.
  package func hasSameWiring(as other: LoadedArtifact) -> Bool {
    var (own, its) = (image.contents(), other.image.contents())
    func target(_ contents: ArtifactContents, _ module: Int) -> String {
      contents.modules.indices.contains(module) ? contents.modules[module].path : ""
    }
    // The numbers of modules change with each that comes or goes.
    guard own.routes.map({ target(own, $0.module) }) == its.routes.map({ target(its, $0.module) }),
      own.triggers.map({ target(own, $0.module) }) == its.triggers.map({ target(its, $0.module) })
    else { return false }
    for index in own.routes.indices { own.routes[index].module = 0 }
    for index in its.routes.indices { its.routes[index].module = 0 }
    for index in own.triggers.indices { own.triggers[index].module = 0 }
    for index in its.triggers.indices { its.triggers[index].module = 0 }
    own.modules = []
    its.modules = []
    return own == its
  }

  /// The modules' paths and bytecode.
  package var chunks: [(path: String, bytecode: [UInt8])] {
    (0..<image.moduleCount).map { image.module($0) }.map { ($0.pathString, Array($0.bytecode)) }
  }
}
