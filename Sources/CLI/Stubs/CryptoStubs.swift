// `crypto`, `uuid`, `hmac` and `resty.evp`.

extension Stub {
  static let crypto = Stub(
    module: "crypto",
    text: """
      ---Digests, random bytes, comparison in constant time, text forms of bytes, hashes of passwords.
      local crypto = {}

      """
        + ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"].map {
          """

          ---@param text string
          ---@param form? "hex"|"raw" hexadecimal digits (the default) or bytes
          ---@return string digest
          function crypto.\($0)(text, form) end

          """
        }.joined() + """

          ---The keyed code of a message (RFC 2104).
          ---@param digest "md5"|"sha1"|"sha224"|"sha256"|"sha384"|"sha512"
          ---@param key string
          ---@param text string
          ---@param form? "hex"|"raw" hexadecimal digits (the default) or bytes
          ---@return string code
          function crypto.hmac(digest, key, text, form) end

          ---Whether both are the same, in a time that their lengths alone decide.
          ---@param a string
          ---@param b string
          ---@return boolean
          function crypto.equal(a, b) end

          ---@param count integer 0 to 1048576
          ---@return string bytes fit for keys
          function crypto.random_bytes(count) end

          ---@param count integer of bytes, 0 to 1048576
          ---@return string digits two for each byte
          function crypto.random_hex(count) end

          """
        + ["hex", "base64", "base64url"].map {
          """

          ---@param bytes string
          ---@return string text
          function crypto.\($0)_encode(bytes) end

          ---@param text string
          ---@return string? bytes
          ---@return string? message why the text is none
          function crypto.\($0)_decode(text) end

          """
        }.joined() + """

          ---Hashes a password with scrypt (RFC 7914). Waits, while the worker serves others.
          ---@param password string at most 4096 bytes
          ---@param options? { ln?: integer, r?: integer, p?: integer }
          ---@return string text to store: parameters, salt and hash
          function crypto.hash_password(password, options) end

          ---Whether the text is the password's. Waits, while the worker serves others.
          ---@param password string
          ---@param text string what `hash_password` gave
          ---@return boolean
          ---@return string? message why not
          function crypto.verify_password(password, text) end

          ---Whether the text was made with other parameters than are used now.
          ---@param text string
          ---@return boolean
          function crypto.needs_rehash(text) end

          return crypto

          """)

  static let uuid = Stub(
    module: "uuid",
    text: """
      ---Universally unique identifiers (RFC 9562). `uuid()` gives a random one.
      ---@class spacer.uuid
      ---@field DNS string a namespace of the standard's
      ---@field URL string a namespace of the standard's
      ---@field OID string a namespace of the standard's
      ---@field X500 string a namespace of the standard's
      ---@overload fun(): string
      local uuid = {}

      """
        + ["v4", "generate", "generate_v4", "v7", "generate_v7"].map {
          "\n---@return string id \($0.hasSuffix("v7") ? "that begins with the time" : "random")\n"
            + "function uuid.\($0)() end\n"
        }.joined()
        + ["v3", "generate_v3", "v5", "generate_v5"].map {
          """

          ---@param namespace string
          ---@param name string
          ---@return string? id
          ---@return string? message
          function uuid.\($0)(namespace, name) end

          """
        }.joined()
        + ["factory_v3", "factory_v5"].map {
          """

          ---@param namespace string
          ---@return (fun(name: string): string)? generator
          ---@return string? message
          function uuid.\($0)(namespace) end

          """
        }.joined() + """

          ---@param value any
          ---@return boolean
          function uuid.is_valid(value) end

          ---Without effect: the bits come from the system.
          ---@param seed? any
          ---@return any seed
          function uuid.seed(seed) end

          return uuid

          """)

  static func hmac(module: String) -> Stub {
    Stub(
      module: module,
      text: """
        ---@class spacer.hmac.object
        local object = {}

        ---@param text string
        ---@return boolean
        function object:update(text) end

        ---@param text? string
        ---@param hex? boolean
        ---@return string? code
        function object:final(text, hex) end

        ---@return boolean
        function object:reset() end

        ---Keyed codes of messages (RFC 2104).
        ---@class spacer.hmac
        ---@field ALGOS { MD5: string, SHA1: string, SHA224: string, SHA256: string, SHA384: string, SHA512: string }
        local hmac = {}

        ---@param key string
        ---@param algorithm? string one of `hmac.ALGOS`
        ---@return spacer.hmac.object
        function hmac:new(key, algorithm) end

        return hmac

        """)
  }

  static let evp = Stub(
    module: "resty.evp",
    text: """
      ---@class spacer.evp.source

      ---@class spacer.evp.signer
      ---@field sign fun(self: spacer.evp.signer, message: string, digest?: string): string?, string?
      ---@field get_raw_sig? fun(self: spacer.evp.signer, signature: string): string?, string? of ECSigner

      ---@class spacer.evp.verifier
      ---@field verify fun(self: spacer.evp.verifier, message: string, signature: string, digest?: string): boolean, string?
      ---@field get_der_sig? fun(self: spacer.evp.verifier, signature: string): string?, string? of ECVerifier

      ---@class spacer.evp.signers
      ---@field new fun(self: spacer.evp.signers, pem: string, password?: string): spacer.evp.signer?, string?

      ---@class spacer.evp.verifiers
      ---@field new fun(self: spacer.evp.verifiers, source: spacer.evp.source): spacer.evp.verifier?, string?

      ---@class spacer.evp.sources
      ---@field new fun(self: spacer.evp.sources, text: string): spacer.evp.source?, string?

      ---Signatures with keys in PEM.
      ---@class spacer.evp
      ---@field CONST table<string, string> names of digests
      ---@field RSASigner spacer.evp.signers
      ---@field ECSigner spacer.evp.signers
      ---@field RSAVerifier spacer.evp.verifiers
      ---@field ECVerifier spacer.evp.verifiers
      ---@field Cert spacer.evp.sources
      ---@field PublicKey spacer.evp.sources
      local evp = {}

      return evp

      """)
}
