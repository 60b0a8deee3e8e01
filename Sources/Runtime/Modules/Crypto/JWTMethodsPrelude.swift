// The methods of `require "resty.jwt"` that lua-resty-jwt documents. Other than there, the token's algorithm
// counts only as far as the kind of the key allows it, and expiry is checked unless the caller checks it.

extension CryptoPrelude {
  static let jwtMethods: StaticString = #"""
    local native, validators = ..., (...).validators

    local function add_methods(M, tokens)
      local algorithms = tokens.algorithms

      -- MARK: Which algorithms are allowed

      local whitelists = setmetatable({}, { __mode = "k" })

      --- What a module sets while it loads holds for its generation, what a request sets for that request.
      function M.set_alg_whitelist(_, list)
        local allowed = false
        if list ~= nil then
          if type(list) ~= "table" then error("set_alg_whitelist takes a table of algorithms", 2) end
          allowed = {}
          for key, value in pairs(list) do
            local name = math.type(key) == "integer" and value or key
            if type(name) ~= "string" or not algorithms[name] then
              error("set_alg_whitelist: unknown algorithm '" .. tostring(name) .. "'", 2)
            end
            allowed[name] = value and true or nil
          end
        end
        local request, shared = native.scopes()
        whitelists[request or shared] = allowed
      end

      local function is_allowed(alg)
        local request, shared = native.scopes()
        local list = request and whitelists[request]
        if list == nil then list = whitelists[shared] end
        return not list or list[alg] == true
      end

      -- MARK: Signing

      local reason_meta = {
        __tostring = function (self) return "jwt: " .. tostring(self.reason) end, __metatable = false,
      }

      local function refuse(reason) error(setmetatable({ reason = reason }, reason_meta), 0) end

      function M.sign(_, key, object)
        if type(object) ~= "table" or type(object.header) ~= "table" then
          refuse("jwt:sign takes a key and { header = { alg = … }, payload = { … } }")
        end
        local alg = object.header.alg
        if object.header.enc ~= nil then refuse("encrypted tokens (JWE) are not supported") end
        local algorithm = type(alg) == "string" and algorithms[alg]
        if not algorithm then refuse("unsupported alg: " .. tostring(alg)) end
        local read, failure = tokens.read_key(key, "private")
        if not read then refuse(failure) end
        if not tokens.fits(algorithm, read) then
          refuse("key type mismatch: " .. alg .. " cannot be made with " .. tokens.key_name(read))
        end
        local token, make_failure = tokens.make(object.header, object.payload, read, algorithm)
        if not token then refuse(make_failure) end
        return token
      end

      -- MARK: Loading

      local function load(token)
        local parsed, failure = tokens.parse(token)
        if not parsed then return { valid = false, verified = false, reason = "invalid jwt string: " .. failure } end
        return {
          valid = true, verified = false, header = parsed.header, payload = parsed.payload,
          raw_header = parsed.head, raw_payload = parsed.body, signature = parsed.signature_text,
        }, parsed
      end

      function M.load_jwt(_, token)
        local object = load(token)
        return object
      end

      -- MARK: Claims

      --- What validator functions raise, without the place where they stand.
      local function reason_of(failure)
        if type(failure) == "table" and type(failure.reason) == "string" then return failure.reason end
        if type(failure) ~= "string" then return tostring(failure) end
        return (failure:gsub("^[^\n:]+:%d+: ", ""))
      end

      local function clone(value)
        if type(value) ~= "table" then return value end
        local copy = setmetatable({}, getmetatable(value) or nil)
        for key, item in pairs(value) do copy[key] = clone(item) end
        return copy
      end

      local legacy_options = {
        lifetime_grace_period = "number", require_nbf_claim = "boolean", require_exp_claim = "boolean",
        valid_issuers = "table",
      }

      local function is_legacy(spec)
        for name in pairs(spec) do
          if legacy_options[name] then return true end
        end
        return false
      end

      --- The claim specification that the older options stand for, or nil and what is wrong with them.
      local function translated(options)
        for name, value in pairs(options) do
          if type(value) ~= legacy_options[name] then
            return nil, "the validation option '" .. tostring(name) .. "' is unknown or of the wrong type"
          end
        end
        local grace = options.lifetime_grace_period
        if grace and not (grace >= 0 and grace == math.floor(grace)) then
          return nil, "lifetime_grace_period must be 0 or a positive integer"
        end
        local spec, leeway = {}, grace and { leeway = grace }
        if grace then
          spec.__jwt = validators.require_one_of { "nbf", "exp" }
          spec.nbf, spec.exp = validators.opt_is_not_before(leeway), validators.opt_is_not_expired(leeway)
        end
        if options.require_nbf_claim then spec.nbf = validators.is_not_before(leeway) end
        if options.require_exp_claim then spec.exp = validators.is_not_expired(leeway) end
        if options.valid_issuers then
          local ok, check = pcall(validators.equals_any_of, options.valid_issuers)
          if not ok then return nil, "valid_issuers must be a list of strings" end
          spec.iss = check
        end
        return spec
      end

      --- The specifications to check, in order; expiry comes first, unless one of them is about it.
      local function specifications(...)
        local list, named = {}, {}
        for index = 1, select("#", ...) do
          local spec = (select(index, ...))
          if type(spec) ~= "table" then return nil, "a claim specification must be a table" end
          if is_legacy(spec) then
            local failure
            spec, failure = translated(spec)
            if not spec then return nil, failure end
          end
          for name, check in pairs(spec) do
            if type(check) ~= "function" then
              return nil, "the validator of '" .. tostring(name) .. "' must be a function"
            end
            named[name] = true
          end
          list[#list + 1] = spec
        end
        local own = {}
        if not named.exp then own.exp = validators.opt_is_not_expired() end
        if not named.nbf then own.nbf = validators.opt_is_not_before() end
        table.insert(list, 1, own)
        return list
      end

      local function claim_failure(object, ...)
        local list, failure = specifications(...)
        if not list then return failure end
        local json = #list > 1 and native.json_encode(object) or nil
        for _, spec in ipairs(list) do
          for name, check in pairs(spec) do
            local value = object.payload[name]
            if name == "__jwt" then value = clone(object) end
            local ok, result = pcall(check, value, name, json)
            if not ok then return reason_of(result) end
            if result == false then
              if value == nil then return "'" .. tostring(name) .. "' claim is missing" end
              return "'" .. tostring(name) .. "' claim was refused"
            end
          end
        end
      end

      -- MARK: Verifying

      --- The secret for a token, or nil and why there is none.
      local function secret_for(secret, header)
        if type(secret) ~= "function" then return secret end
        local kid = header.kid
        if type(kid) ~= "string" then return nil, "the key is a function, and the token's header has no kid" end
        local found = secret(kid)
        if found == nil then return nil, "there is no key of the token's kid" end
        return found
      end

      local function signature_failure(secret, parsed)
        local alg = parsed.header.alg
        if not tokens.is_name(alg) or not algorithms[alg] then
          return "unsupported alg" .. (tokens.is_name(alg) and ": " .. alg or "")
        end
        if not is_allowed(alg) then return "whitelist unsupported alg: " .. alg end
        local key, failure = secret_for(secret, parsed.header)
        if key == nil then return failure or "there is no key" end
        local read, key_failure = tokens.read_key(key, "public")
        if not read then return key_failure end
        if not tokens.fits(algorithms[alg], read) then
          return "key type mismatch: " .. alg .. " does not go with " .. tokens.key_name(read)
        end
        local is_right, verify_failure = tokens.verify(algorithms[alg], read, parsed.input, parsed.signature)
        if is_right == nil then return verify_failure end
        if not is_right then return "signature mismatched: " .. parsed.signature_text end
      end

      local function check(secret, object, parsed, ...)
        local reason = signature_failure(secret, parsed) or claim_failure(object, ...)
        object.verified = reason == nil
        object.reason = reason or "everything is awesome~ :p"
        return object
      end

      function M.verify(_, secret, token, ...)
        local object, parsed = load(token)
        if not parsed then return object end
        local checked = check(secret, object, parsed, ...)
        return checked
      end

      function M.verify_jwt_obj(_, secret, object, ...)
        if type(object) ~= "table" then error("jwt:verify_jwt_obj takes what jwt:load_jwt gave", 2) end
        if not object.valid then
          object.verified = false
          return object
        end
        -- What is verified is what was signed, whatever has become of the fields since.
        local fresh, parsed = load(table.concat({
          tostring(object.raw_header), tostring(object.raw_payload), tostring(object.signature),
        }, "."))
        if not parsed then
          object.valid, object.verified, object.reason = false, false, fresh.reason
          return object
        end
        object.header, object.payload, object.verified = fresh.header, fresh.payload, false
        local checked = check(secret, object, parsed, ...)
        return checked
      end

      return M
    end

    return { add = add_methods }
    """#
}
