// Which files are tests: `test/test_*.lua`, in folders below test/ too. The other files of test/ are helpers, which
// tests require by their whole name: `require "test/helper"`. None of them is known to a build without tests.

/// The tests of a project.
package enum TestFiles {
  package static let folder = "test"

  /// Whether a path is under test/, a test or a helper.
  package static func contains(_ path: String) -> Bool { path.hasPrefix(folder + "/") }

  /// Whether a path is a test's.
  package static func isTest(_ path: String) -> Bool {
    guard contains(path), path.hasSuffix(".lua") else { return false }
    let name = path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...]
    return name.hasPrefix("test_")
  }

  /// Files of a project's test/ that others would call tests, and that are none: `users_test.lua`.
  package static func misnamed(in project: String) -> [String] {
    let names = (try? DirectoryReader.entries(of: project + "/" + folder)) ?? []
    return names.map { String(decoding: $0, as: UTF8.self) }
      .filter { $0.hasSuffix("_test.lua") && !$0.hasPrefix("test_") }.map { folder + "/" + $0 }
  }

  /// The modules that only tests can require.
  package static let modules: Set<String> = ["luaunit", "lib/luaunit", "spacer"]

  /// Whether a test may use a global name that nothing in its file defines: what `luaunit` provides.
  static func provides(global name: String) -> Bool {
    name.hasPrefix("assert") || name == "LuaUnit"
  }

  /// Whether a global is what a test defines as a rule: a test, a class of tests, their preparation, a setting.
  static func defines(global name: String) -> Bool {
    let name = name.lowercased()
    return ["test", "setup", "set_up", "teardown", "tear_down", "export_assert_to_globals"].contains {
      name.hasPrefix($0)
    }
  }
}
