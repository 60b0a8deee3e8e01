// The modules that the runtime itself provides to `require`, when neither app/ nor lib/ has one of the name.

/// Names of the runtime's own modules.
package enum BuiltinModules {
  /// In byte order.
  package static let sorted = [
    "cjson", "cjson.safe", "db", "flow", "http", "kv", "log", "request", "time", "topics", "validate",
  ]

  static let names = Set(sorted)
}
