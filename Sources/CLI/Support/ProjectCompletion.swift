// What a shell offers for names that only the project knows. Asked for at each press of Tab, so it stays silent:
// where there is no project, there is nothing to offer.

import ArgumentParser
import SpacerArtifact

/// Completion of names of the project in the current folder.
enum ProjectCompletion {
  static let topics = CompletionKind.custom { _, _, prefix in
    names(beginning: prefix) { $0.topics }
  }

  static let functions = CompletionKind.custom { _, _, prefix in
    names(beginning: prefix) { contents in
      contents.modules.compactMap { $0.kind == .library ? nil : $0.name }
    }
  }

  private static func names(
    beginning prefix: String, _ list: (ArtifactContents) -> [String]
  ) -> [String] {
    guard let build = try? ProjectBuild(project: "."), let contents = build.check().contents else {
      return []
    }
    return list(contents).filter { $0.hasPrefix(prefix) }.sorted()
  }
}
