// The LuaUnit of the user's that `spacer test --luaunit` names.

import Glibc

enum LuaUnitFile {
  /// Where Debian's package lua-unit and LuaRocks put it, the machine's own first.
  private static let places = [
    "/usr/local/share/lua/5.4/luaunit.lua", "/usr/share/lua/5.4/luaunit.lua",
  ]
  /// LuaUnit itself has 130 KB.
  private static let bytesMax = 4 << 20

  /// A file's path and text, or those of the installed one.
  static func read(_ name: String) throws(CommandFailure) -> (path: String, text: [UInt8]) {
    var path = name
    if name == "installed" {
      guard let place = places.first(where: { Files.kind($0) == .file }) else {
        throw .missing(
          "no LuaUnit is installed: there is no \(places.joined(separator: ", and no ")); 'apt-get install lua-unit', "
            + "name its path with --luaunit, or leave the option away, for Spacer's own")
      }
      path = place
    }
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG || status.st_size > bytesMax {
      throw .missing("'\(path)' is no LuaUnit: it is no file, or one of more than \(bytesMax >> 20) MiB")
    }
    do throws(SystemFailure) {
      return (path, try Files.read(path))
    } catch {
      throw .missing("cannot read '\(path)': \(error.reason); --luaunit takes the path of a luaunit.lua")
    }
  }
}
