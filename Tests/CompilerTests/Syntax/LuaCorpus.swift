// Real Lua: the .lua files of Debian packages, where they are installed.

import Foundation

enum LuaCorpus {
  static let packages = [
    "lua-unit", "lua-socket", "lua-json", "lua-lpeg", "lua-penlight", "lua-inspect", "luarocks", "vis",
  ]

  struct File {
    var path: String
    var bytes: [UInt8]
  }

  /// The files of every installed package, in order of their paths; a text seen twice is left out.
  static func load() -> [File] {
    var files: [File] = []
    var seen: Set<[UInt8]> = []
    for package in packages {
      let paths = list(package)
      if paths.isEmpty { print("corpus: package \(package) is not installed, skipped") }
      for path in paths {
        guard let data = FileManager.default.contents(atPath: path) else { continue }
        let bytes = [UInt8](data)
        if seen.insert(bytes).inserted { files.append(File(path: path, bytes: bytes)) }
      }
    }
    return files
  }

  /// The package manager's own list of the package's .lua files.
  private static func list(_ package: String) -> [String] {
    let folder = "/var/lib/dpkg/info"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let wanted = names.filter {
      $0 == "\(package).list" || $0.hasPrefix("\(package):") && $0.hasSuffix(".list")
    }
    return wanted.flatMap { name -> [String] in
      let text = (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
      return text.split(separator: "\n").map(String.init).filter { $0.hasSuffix(".lua") }
    }.sorted()
  }
}
