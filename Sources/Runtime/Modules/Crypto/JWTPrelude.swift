// The strict interface of `require "jwt"`: `encode` and `decode`, whose algorithm the caller fixes.

extension CryptoPrelude {
  static let jwt: StaticString = #"""
    local native, M = ..., {}
    local tokens = native.tokens
    local algorithms, read_key, fits, key_name = tokens.algorithms, tokens.read_key, tokens.fits, tokens.key_name

    local function check_secret(name, algorithm, key)
      if algorithm.secret_bytes and #key.text < algorithm.secret_bytes then
        return name .. " needs a secret of at least " .. algorithm.secret_bytes .. " bytes (RFC 7518, section 3.2)"
      end
    end

    local function algorithm_names()
      local names = {}
      for name in pairs(algorithms) do names[#names + 1] = name end
      table.sort(names)
      return table.concat(names, ", ")
    end

    function M.encode(payload, key, alg, header)
      local function fail(message) error("jwt.encode: " .. message, 3) end
      local algorithm = type(alg) == "string" and algorithms[alg]
      if not algorithm then fail("the third argument is the algorithm, one of " .. algorithm_names()) end
      if header ~= nil and type(header) ~= "table" then fail("the header must be a table") end
      local read, failure = read_key(key, "private")
      if not read then fail(failure) end
      if not fits(algorithm, read) then fail(alg .. " cannot be made with " .. key_name(read)) end
      local short = check_secret(alg, algorithm, read)
      if short then fail(short) end
      local own = { typ = "JWT" }
      for name, value in pairs(header or {}) do own[name] = value end
      if own.alg ~= nil and own.alg ~= alg then fail("the header names another algorithm") end
      own.alg = alg
      local token, make_failure = tokens.make(own, payload, read, algorithm)
      if not token then fail(make_failure) end
      return token
    end

    local option_types = {
      alg = "string or table", iss = "string or table", aud = "string, table or boolean", sub = "string",
      typ = "string", leeway = "number", now = "number", require = "string or table",
    }

    local function list_of(value, name)
      if type(value) == "string" then return { value } end
      if type(value) ~= "table" or #value == 0 then return nil, name .. " must be a string or a list of strings" end
      for _, item in ipairs(value) do
        if type(item) ~= "string" then return nil, name .. " must hold strings" end
      end
      return value
    end

    --- The options of `decode` checked and in one form, or nil and what is wrong with them.
    local function read_options(options)
      if type(options) ~= "table" then return nil, "the third argument is a table with at least alg" end
      for name, value in pairs(options) do
        local kinds = option_types[name]
        if not kinds then return nil, "unknown option '" .. tostring(name) .. "'" end
        if not kinds:find(type(value), 1, true) then
          return nil, "the option '" .. name .. "' must be a " .. kinds .. ", not a " .. type(value)
        end
      end
      if options.aud == true then return nil, "aud must be a string, a list of strings or false" end
      if options.leeway and not (options.leeway >= 0 and options.leeway <= 86400) then
        return nil, "leeway must be 0 to 86400 seconds"
      end
      local read = {
        allowed = {}, leeway = options.leeway or 0, now = options.now or (native.now()), sub = options.sub,
        typ = options.typ, any_audience = options.aud == false,
      }
      local names, failure = list_of(options.alg, "alg")
      if not names then return nil, failure end
      for _, name in ipairs(names) do
        if not algorithms[name] then return nil, "unknown algorithm: there are " .. algorithm_names() end
        read.allowed[name] = true
      end
      for _, name in ipairs { "iss", "aud", "require" } do
        if options[name] then
          read[name], failure = list_of(options[name], name)
          if not read[name] then return nil, failure end
        end
      end
      return read
    end

    local function contains(list, value)
      for _, item in ipairs(list) do
        if item == value then return true end
      end
      return false
    end

    local function is_for(audiences, claim)
      if type(claim) == "string" then return contains(audiences, claim) end
      for _, name in ipairs(claim) do
        if contains(audiences, name) then return true end
      end
      return false
    end

    --- Nil when the times of a token are fine, else what is wrong.
    local function time_failure(payload, now, leeway)
      for _, name in ipairs { "exp", "nbf", "iat" } do
        local value = payload[name]
        if value ~= nil and type(value) ~= "number" then return "the claim '" .. name .. "' is no number" end
      end
      if payload.exp and not (now < payload.exp + leeway) then return "the token has expired" end
      if payload.nbf and not (now >= payload.nbf - leeway) then return "the token is not valid yet" end
      if payload.iat and not (now >= payload.iat - leeway) then return "the token was issued in the future" end
    end

    local function claims_failure(header, payload, wanted)
      for _, name in ipairs(wanted.require or {}) do
        -- JSON's null is a userdata.
        if payload[name] == nil or type(payload[name]) == "userdata" then return "the token has no claim '" .. name .. "'" end
      end
      local failure = time_failure(payload, wanted.now, wanted.leeway)
      if failure then return failure end
      if wanted.iss and not contains(wanted.iss, payload.iss) then return "the token is from another issuer" end
      if wanted.sub and payload.sub ~= wanted.sub then return "the token is about another subject" end
      if wanted.typ and header.typ ~= wanted.typ then return "the token is of another type" end
      if wanted.any_audience or (payload.aud == nil and not wanted.aud) then return nil end
      if payload.aud == nil then return "the token names no audience" end
      if type(payload.aud) ~= "string" and type(payload.aud) ~= "table" then
        return "the claim 'aud' is neither a string nor a list"
      end
      -- Whoever does not know its own name is not meant (RFC 7519, section 4.1.3).
      if not wanted.aud then return "the token names an audience, and no option aud says whether it is this one" end
      if not is_for(wanted.aud, payload.aud) then return "the token is for another audience" end
    end

    function M.decode(token, key, options)
      local function fail(message) error("jwt.decode: " .. message, 3) end
      local wanted, failure = read_options(options)
      if not wanted then fail(failure) end
      local parsed, parse_failure = tokens.parse(token)
      if not parsed then return nil, parse_failure end
      local alg = parsed.header.alg
      if type(alg) ~= "string" or not wanted.allowed[alg] then
        return nil, "the token's algorithm is not allowed"
      end
      if type(key) == "function" then
        key = key(parsed.header)
        if key == nil then return nil, "there is no key for this token" end
      end
      local read, key_failure = read_key(key, "public")
      if not read then fail(key_failure) end
      local usable = false
      for name in pairs(wanted.allowed) do
        if fits(algorithms[name], read) then
          usable = true
          local short = check_secret(name, algorithms[name], read)
          if short then fail(short) end
        end
      end
      if not usable then fail("no algorithm of the option alg works with " .. key_name(read)) end
      if not fits(algorithms[alg], read) then return nil, "the token's algorithm does not fit the key" end
      local is_right, verify_failure = tokens.verify(algorithms[alg], read, parsed.input, parsed.signature)
      if is_right == nil then fail(verify_failure) end
      if not is_right then return nil, "the token's signature is wrong" end
      local claim_failure = claims_failure(parsed.header, parsed.payload, wanted)
      if claim_failure then return nil, claim_failure end
      return parsed.payload
    end

    return native.methods.add(M, tokens)
    """#
}
