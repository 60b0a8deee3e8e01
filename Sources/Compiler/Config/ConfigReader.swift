/// Reads config/application.yml.
package enum ConfigReader {
  /// - Returns: the configuration, nil when the file is no YAML mapping at all; with errors among the
  ///   diagnostics it holds what could be read, so that later phases can go on to find theirs.
  package static func read(path: String, bytes: [UInt8]) -> (config: AppConfig?, diagnostics: [Diagnostic]) {
    (nil, [])
  }
}
