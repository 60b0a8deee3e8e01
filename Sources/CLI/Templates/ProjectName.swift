import Glibc

/// What a new project is called, as `appName` takes it.
struct ProjectName {
  /// A letter, then letters, digits and `-`.
  let text: String

  private static let lengthMax = 40

  /// The last part of a folder's path, with `-` for what a name cannot hold.
  init(folder: String) {
    // `.` and the like have no name of their own.
    let resolved = realpath(folder, nil)
    defer { free(resolved) }
    let path = resolved.map { String(cString: $0) } ?? folder
    let last = path.split(separator: "/").last.map(String.init) ?? ""
    let name = String(
      last.map { ($0.isASCII && ($0.isLetter || $0.isNumber)) ? $0 : "-" }.drop { !$0.isLetter })
    text = name.isEmpty ? "app" : String(name.prefix(Self.lengthMax))
  }

  /// The same in lower case, as images and services are called.
  var lowercased: String { text.lowercased() }
}
