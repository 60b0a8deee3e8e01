// One module of an image, and an image as plain values.

extension ArtifactImage {
  /// One module of an image; its bytes live as long as the image's memory.
  package struct Module: Sendable {
    private typealias Layout = ArtifactLayout.Module

    let image: ArtifactImage
    let offset: Int

    /// The function's or library's name; a zero byte follows the text.
    package var name: UnsafeRawBufferPointer { image.text(image.moduleRecords, offset + Layout.name) }
    /// Relative to the project; a zero byte follows the text.
    package var path: UnsafeRawBufferPointer { image.text(image.moduleRecords, offset + Layout.path) }
    package var nameString: String { String(decoding: name, as: UTF8.self) }
    package var pathString: String { String(decoding: path, as: UTF8.self) }

    package var kind: ArtifactContents.ModuleKind {
      ArtifactContents.ModuleKind(rawValue: image.moduleRecords.load(UInt8.self, at: offset + Layout.kind))
        ?? .library
    }

    /// A Lua binary chunk, aligned to 16 bytes.
    package var bytecode: UnsafeRawBufferPointer {
      image.bytecode.slice(
        offset: Int(clamping: image.moduleRecords.load(UInt64.self, at: offset + Layout.bytecodeOffset)),
        length: Int(clamping: image.moduleRecords.load(UInt64.self, at: offset + Layout.bytecodeLength))
      ).bytes
    }

    package var contentHash: UInt64 { image.moduleRecords.load(UInt64.self, at: offset + Layout.contentHash) }

    /// Indexes of the modules it requires by a constant name, ascending.
    package var requires: [Int] {
      let (first, count) = list(Layout.requires)
      return (0..<count).map { image.graph.load32(at: (first + $0) * 4) }
    }

    package var builtins: [String] { texts(Layout.builtins) }
    package var appends: [String] { texts(Layout.appends) }
    package var calls: [String] { texts(Layout.calls) }
    /// Descriptions of arguments that its code hands to `validate`.
    package var validations: [ArtifactContents.Validation] {
      image.validations(ofModule: offset / Layout.size)
    }

    /// What its own code reaches.
    package var capabilities: [ArtifactContents.Capability] {
      image.capabilities(ofModule: offset / Layout.size)
    }

    private func texts(_ field: Int) -> [String] {
      let (first, count) = list(field)
      return (0..<count).map { image.string(image.graph, (first + 2 * $0) * 4) }
    }

    private func list(_ field: Int) -> (first: Int, count: Int) {
      (
        image.moduleRecords.load32(at: offset + field), image.moduleRecords.load32(at: offset + field + 4)
      )
    }
  }

  /// Everything in the image as plain values, in the image's order.
  package func contents() -> ArtifactContents {
    ArtifactContents(
      appName: appName, spacerRelease: spacerRelease, luaRelease: luaRelease, architecture: architecture,
      isRelease: isRelease, environment: environment,
      modules: (0..<moduleCount).map { index in
        let module = module(index)
        return ArtifactContents.Module(
          name: module.nameString, path: module.pathString, kind: module.kind,
          bytecode: Array(module.bytecode), contentHash: module.contentHash, requires: module.requires,
          builtins: module.builtins, appends: module.appends, calls: module.calls,
          validations: module.validations, capabilities: module.capabilities)
      },
      routes: (0..<routes.routeCount).map { index in
        let route = routes.route(index)
        return ArtifactContents.Route(
          methods: route.methods, pattern: String(decoding: route.pattern, as: UTF8.self),
          module: route.module, line: route.line)
      },
      topics: topics, triggers: triggers, environmentVariables: environmentVariables,
      settings: settings(prefix: ""), hasCapabilities: hasCapabilities)
  }
}
