// `jwt` and `resty.jwt-validators`.

extension Stub {
  static func jwt(module: String) -> Stub {
    Stub(
      module: module,
      text: """
        ---@class spacer.jwt.options
        ---@field alg string|string[] the algorithms that are expected
        ---@field iss? string|string[]
        ---@field aud? string|string[]|false
        ---@field sub? string
        ---@field typ? string
        ---@field require? string|string[] claims that must be there
        ---@field leeway? number seconds
        ---@field now? number seconds since 1970

        ---@class spacer.jwt.object
        ---@field valid boolean
        ---@field verified boolean
        ---@field reason? string
        ---@field header? table
        ---@field payload? table
        ---@field raw_header? string
        ---@field raw_payload? string
        ---@field signature? string

        ---JSON Web Tokens (RFC 7519).
        local jwt = {}

        ---@param payload table
        ---@param key string|{ pem: string, password?: string }
        ---@param alg string
        ---@param header? table further parameters
        ---@return string token
        function jwt.encode(payload, key, alg, header) end

        ---@param token string
        ---@param key string|fun(header: table): string?
        ---@param options spacer.jwt.options
        ---@return table? payload
        ---@return string? message
        function jwt.decode(token, key, options) end

        ---@param key string
        ---@param object { header: table, payload: table }
        ---@return string token
        function jwt:sign(key, object) end

        ---@param token string
        ---@return spacer.jwt.object
        function jwt:load_jwt(token) end

        ---@param key string|fun(kid: string): string?
        ---@param token string
        ---@param ... table<string, function>
        ---@return spacer.jwt.object
        function jwt:verify(key, token, ...) end

        ---@param key string|fun(kid: string): string?
        ---@param object spacer.jwt.object
        ---@param ... table<string, function>
        ---@return spacer.jwt.object
        function jwt:verify_jwt_obj(key, object, ...) end

        ---@param list? table<string, any>|string[]
        function jwt:set_alg_whitelist(list) end

        return jwt

        """)
  }

  /// Makers of validators, with their parameters; each exists with `opt_` before its name too.
  private static let validators: [(String, [String])] = [
    ("check", ["wanted any", "check function", "name? string", "type? string"]),
    ("any_of", ["list any[]", "check function", "name? string", "type? string"]),
    ("check_any", ["list any[]", "check function", "name? string", "type? string"]),
    ("equals", ["value any"]), ("equals_any_of", ["values any[]"]),
    ("matches", ["pattern string"]), ("matches_any_of", ["patterns string[]"]),
    ("contains_any_of", ["texts string[]", "name? string"]),
    ("greater_than", ["limit number"]), ("greater_than_or_equal", ["limit number"]),
    ("less_than", ["limit number"]), ("less_than_or_equal", ["limit number"]),
    ("audience", ["names string|string[]"]),
    ("is_not_before", ["options? { leeway?: number }"]),
    ("is_not_expired", ["options? { leeway?: number }"]),
    ("is_at", ["options? { leeway?: number }"]),
    ("issued_at", ["options? { leeway?: number, max_age?: number }"]),
  ]

  private static func maker(_ prefix: String, _ name: String, _ parameters: [String]) -> String {
    let names = parameters.map { String($0.prefix { $0 != " " && $0 != "?" }) }
    let annotations: [String] = parameters.map { "---@param \($0)\n" }
    return "\n" + annotations.joined() + "---@return spacer.jwt.validator\n"
      + "function validators.\(prefix)\(name)(\(names.joined(separator: ", "))) end\n"
  }

  static let jwtValidators = Stub(
    module: "resty.jwt-validators",
    text: """
      ---@alias spacer.jwt.validator fun(value: any, claim?: string, json?: string): boolean?

      ---Functions that make validators of claims.
      local validators = {}

      """
        + validators.map { maker("", $0, $1) + maker("opt_", $0, $1) }.joined() + """

          ---@param ... spacer.jwt.validator
          ---@return spacer.jwt.validator
          function validators.chain(...) end

          ---@param check? spacer.jwt.validator
          ---@return spacer.jwt.validator
          function validators.required(check) end

          ---@param names string[]
          ---@return spacer.jwt.validator
          function validators.require_one_of(names) end

          ---@param names string[]
          ---@return spacer.jwt.validator
          function validators.required_claims(names) end

          ---@param seconds number
          function validators.set_system_leeway(seconds) end

          ---@param clock fun(): number
          function validators.set_system_clock(clock) end

          return validators

          """)
}
