// Which lines of the application's files the tests have run.

import SpacerCompiler
import SpacerRuntime

/// The coverage of one run.
struct Coverage {
  /// One file: how often each line ran that can.
  private struct File {
    var path: String
    var lines: [(number: Int, count: Int)]

    var coveredCount: Int { lines.count { $0.count > 0 } }
  }

  private let files: [File]

  init(_ artifact: LoadedArtifact, _ results: [TestFileResult]) {
    var counts: [String: [Int: Int]] = [:]
    for result in results {
      for (path, lines) in result.lineCounts { counts[path, default: [:]].merge(lines) { $0 + $1 } }
    }
    files = artifact.chunks.filter { !TestFiles.contains($0.path) }.map { path, bytecode in
      let ran = counts[path] ?? [:]
      return File(path: path, lines: ActiveLines.lines(of: bytecode).map { ($0, ran[$0] ?? 0) })
    }.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  /// For people: each file with its part and the lines that did not run.
  var table: String {
    var table = Table(header: ["file", "lines", "covered", "not run"])
    for file in files {
      table.add([
        Printable.text(file.path), String(file.lines.count),
        Self.percent(file.coveredCount, file.lines.count),
        Self.ranges(file.lines),
      ])
    }
    let all = files.reduce(0) { $0 + $1.lines.count }
    table.add(["all", String(all), Self.percent(files.reduce(0) { $0 + $1.coveredCount }, all)])
    return table.text
  }

  /// lcov's tracefile.
  func lcov(project: String) -> String {
    let folder = project == "." ? "" : project + "/"
    return files.map { file in
      "TN:\nSF:\(folder)\(file.path)\n"
        + file.lines.map { "DA:\($0.number),\($0.count)\n" }.joined()
        + "LF:\(file.lines.count)\nLH:\(file.coveredCount)\nend_of_record\n"
    }.joined()
  }

  private static func percent(_ part: Int, _ all: Int) -> String {
    guard all > 0 else { return "-" }
    let tenths = part * 1_000 / all
    return "\(tenths / 10).\(tenths % 10) %"
  }

  private static let rangesMax = 8

  /// `3-5, 9`: lines that did not run; those between, which cannot, do not part a range.
  private static func ranges(_ lines: [(number: Int, count: Int)]) -> String {
    var ranges: [(Int, Int)] = []
    var isOpen = false
    for line in lines {
      if line.count > 0 {
        isOpen = false
      } else if isOpen {
        ranges[ranges.count - 1].1 = line.number
      } else {
        ranges.append((line.number, line.number))
        isOpen = true
      }
    }
    let shown = ranges.prefix(rangesMax).map { $0 == $1 ? "\($0)" : "\($0)-\($1)" }.joined(separator: ", ")
    return ranges.count > rangesMax ? shown + ", …" : shown
  }
}
