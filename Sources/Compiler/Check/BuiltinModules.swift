// The modules that the runtime itself provides to `require`, when neither app/ nor lib/ has one of the name.

/// Names of the runtime's own modules.
package enum BuiltinModules {
  /// In byte order.
  package static let sorted = [
    "cjson", "cjson.safe", "crypto", "db", "flow", "hmac", "host", "http", "jwt", "kv", "log", "request",
    "resty.evp",
    "resty.hmac", "resty.jwt", "resty.jwt-validators", "time", "topics", "uuid", "validate",
  ]

  static let names = Set(sorted)
}
