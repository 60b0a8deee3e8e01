// What the standard libraries and the built-in modules hold, so that a misspelt member is found before it
// gives nil in a request.

/// Members of the tables that every function can rely on.
package enum StandardMembers {
  /// By the name of a standard library, or of a built-in module as `require` takes it.
  package static let byTable: [String: Set<String>] = [
    "string": [
      "byte", "char", "find", "format", "gfind", "gmatch", "gsub", "len", "lower", "match", "pack",
      "packsize", "rep", "reverse", "sub", "unpack", "upper",
    ],
    "table": ["concat", "getn", "insert", "move", "pack", "remove", "sort", "unpack"],
    "math": [
      "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
      "maxinteger", "min", "mininteger", "modf", "pi", "pow", "rad", "random", "randomseed", "sin", "sqrt",
      "tan", "tointeger", "type", "ult",
    ],
    "utf8": ["char", "charpattern", "codes", "codepoint", "len", "offset"],
    "os": StandardGlobals.osFunctions,
    "coroutine": ["create", "resume", "wrap", "yield", "isyieldable", "running", "status", "close"],
    "cjson": json, "cjson.safe": json,
    "db": ["query", "one", "exec", "transaction", "use", "null", "bytes", "array"],
    "flow": ["call", "all"],
    "http": ["get", "post", "put", "patch", "delete", "head", "request"],
    "time": ["now", "monotonic"],
    "topics": ["append"],
    // What tests have.
    "spacer": [
      "request", "appended", "deliver", "topics", "http", "db", "host", "time", "env", "seed",
    ],
    "kv": [
      "get", "set", "add", "replace", "delete", "incr", "cas", "ttl", "expire", "count", "clear", "keys",
    ],
    "log": ["debug", "info", "warn", "error", "level", "with"],
    "validate": ["check"],
    "request": [
      "method", "path", "query", "headers", "body", "remote_address", "route", "scheme", "trace_id",
      "deadline",
    ],
    "crypto": [
      "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "hmac", "equal", "random_bytes", "random_hex",
      "hex_encode", "hex_decode", "base64_encode", "base64_decode", "base64url_encode", "base64url_decode",
      "hash_password", "verify_password", "needs_rehash",
    ],
    "uuid": [
      "v3", "v4", "v5", "v7", "generate", "generate_v3", "generate_v4", "generate_v5", "generate_v7",
      "factory_v3", "factory_v5", "is_valid", "seed", "DNS", "URL", "OID", "X500",
    ],
    "hmac": hmac, "resty.hmac": hmac,
    "jwt": jwt, "resty.jwt": jwt,
    "resty.evp": [
      "CONST", "RSASigner", "RSAVerifier", "ECSigner", "ECVerifier", "Cert", "PublicKey",
    ],
    "resty.jwt-validators": jwtValidators,
  ]

  private static let hmac: Set<String> = ["new", "ALGOS"]

  private static let jwt: Set<String> = [
    "encode", "decode", "sign", "verify", "load_jwt", "verify_jwt_obj", "set_alg_whitelist",
  ]

  private static let jwtValidators = Set(
    [
      "check", "check_any", "any_of", "equals", "equals_any_of", "matches", "matches_any_of",
      "contains_any_of",
      "greater_than", "greater_than_or_equal", "less_than", "less_than_or_equal", "audience", "is_not_before",
      "is_not_expired", "is_at", "issued_at",
    ].flatMap { [$0, "opt_" + $0] }
  ).union([
    "chain", "required", "require_one_of", "required_claims", "set_system_leeway", "set_system_clock",
  ])

  private static let json: Set<String> = [
    "encode", "decode", "new", "null", "empty_array", "array_mt", "empty_array_mt", "_NAME", "_VERSION",
    "encode_empty_table_as_object", "encode_sparse_array", "encode_max_depth", "decode_max_depth",
    "encode_number_precision", "encode_keep_buffer", "encode_invalid_numbers", "decode_invalid_numbers",
    "decode_array_with_array_mt",
  ]

  /// `string.uper` as table and member; nil for a name without a dot. A member is an identifier, so that the
  /// last dot is the one between them.
  static func split(_ name: String) -> (table: String, member: String)? {
    guard let dot = name.lastIndex(of: ".") else { return nil }
    return (String(name[..<dot]), String(name[name.index(after: dot)...]))
  }
}
