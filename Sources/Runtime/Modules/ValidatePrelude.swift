// The Lua text of `require "validate"`.
//
// A check is a function of a value that returns the clean value, or nil and a problem: a text, or a table of
// texts by path below the value. Paths are put together only where something is wrong.

extension ValidateFunction {
  static let prelude: StaticString = #"""
    local native = ...
    local null, array_mt, scalars = native.null, native.array_mt, native.scalars
    local malformed, quantity, shown = scalars.malformed, scalars.quantity, scalars.shown
    local count_option, bounds = scalars.count_option, scalars.bounds
    local type, next, pairs, error, pcall, rawlen = type, next, pairs, error, pcall, rawlen
    local tostring, setmetatable, getmetatable = tostring, setmetatable, getmetatable
    local sub, concat, sort, utf8len, utf8offset = string.sub, table.concat, table.sort, utf8.len, utf8.offset

    local DEPTH_MAX = 32
    local PROBLEMS_MAX = 64

    -- Adds the problem of what `name` holds to `problems`, which may be nil yet.
    local function add(problems, name, problem)
      problems = problems or { count = 0, texts = {} }
      local function put(path, text)
        if problems.count < PROBLEMS_MAX then
          problems.count = problems.count + 1
          problems.texts[path] = text
        end
      end
      if type(problem) == "string" then
        put(name, problem)
      else
        for path, text in pairs(problem.texts) do
          put(sub(path, 1, 1) == "[" and name .. path or name .. "." .. path, text)
        end
      end
      return problems
    end

    local function is_array(value)
      return rawlen(value) > 0 or getmetatable(value) == array_mt
    end

    -- A name that a caller made up, bounded; an answer holds UTF-8 only.
    local function printable(name)
      name = tostring(name)
      if not utf8len(name) then return "?" end
      return #name > 80 and sub(name, 1, utf8offset(name, 0, 80) - 1) .. "…" or name
    end

    local function copy(value)
      if type(value) ~= "table" then return value end
      local result = {}
      for key, item in pairs(value) do result[key] = copy(item) end
      return setmetatable(result, getmetatable(value) == array_mt and array_mt or nil)
    end

    -- Types: each takes a description and gives its check

    local types = scalars.types
    local compile

    local common = {
      type = true, optional = true, default = true, nullable = true, enum = true, description = true,
      message = true,
    }
    local own_options = {
      string = { min = true, max = true, pattern = true, format = true },
      integer = { min = true, max = true }, number = { min = true, max = true }, boolean = {},
      array = { min = true, max = true, items = true }, object = { fields = true, extra = true }, any = {},
    }
    local type_names = "any, array, boolean, integer, number, object or string"

    function types.array(description, place, depth)
      local min, max = bounds(description, place, count_option)
      local item = description.items ~= nil and compile(description.items, place .. "[]", depth + 1).check
      return function(value)
        -- A query with one value of several gives it alone.
        if type(value) == "string" then value = { value } end
        if type(value) ~= "table" then return nil, "must be an array" end
        local count = rawlen(value)
        if count == 0 and next(value) ~= nil then return nil, "must be an array" end
        if min and count < min then return nil, "must have at least " .. quantity(min, "item") end
        if max and count > max then return nil, "must have at most " .. quantity(max, "item") end
        local result, problems = setmetatable({}, array_mt), nil
        for index = 1, count do
          local clean, problem = value[index], nil
          if item then
            if clean == nil then problem = "is required" else clean, problem = item(clean) end
          end
          if problem then
            problems = add(problems, "[" .. index .. "]", problem)
            if problems.count >= PROBLEMS_MAX then break end
          else
            result[index] = clean
          end
        end
        if problems then return nil, problems end
        return result
      end
    end

    function types.object(description, place, depth)
      local extra = description.extra
      if extra ~= nil and extra ~= "drop" and extra ~= "error" and extra ~= "keep" then
        malformed(place, 'extra must be "drop", "error" or "keep"')
      end
      if extra == "drop" then extra = nil end
      local fields = description.fields
      if fields == nil then
        return function(value)
          if type(value) ~= "table" or is_array(value) then return nil, "must be an object" end
          return value
        end
      end
      if type(fields) ~= "table" then malformed(place, "fields must be a table") end
      local names, entries, count = {}, {}, 0
      for name in pairs(fields) do
        if type(name) ~= "string" then
          malformed(place, "field names are strings, not " .. shown(name))
        end
        count = count + 1
        names[count] = name
      end
      sort(names)
      for index = 1, count do
        local name = names[index]
        entries[index] = compile(fields[name], place == "" and name or place .. "." .. name, depth + 1)
      end
      return function(value)
        if type(value) ~= "table" or is_array(value) then return nil, "must be an object" end
        local result, problems = {}, nil
        for index = 1, count do
          local name, entry = names[index], entries[index]
          local given = value[name]
          if given == nil or given == null and not entry.nullable then
            if entry.default ~= nil then
              result[name] = copy(entry.default)
            elseif not entry.optional then
              problems = add(problems, name, "is required")
            end
          else
            local clean, problem = entry.check(given)
            if problem then problems = add(problems, name, problem) else result[name] = clean end
          end
        end
        if extra then
          for name, given in next, value do
            if fields[name] == nil then
              if extra == "keep" then
                result[name] = given
              else
                problems = add(problems, printable(name), "is not expected")
                if problems.count >= PROBLEMS_MAX then break end
              end
            end
          end
        end
        if problems then return nil, problems end
        return result
      end
    end

    local function one_of(check, enum, place)
      if type(enum) ~= "table" or rawlen(enum) == 0 then malformed(place, "enum must be a list of values") end
      local members, texts = {}, {}
      for index = 1, rawlen(enum) do
        local kind = type(enum[index])
        if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
          malformed(place, "enum holds a " .. kind)
        end
        members[enum[index]] = true
        texts[index] = tostring(enum[index])
      end
      local text = "must be one of " .. concat(texts, ", ")
      return function(value)
        local clean, problem = check(value)
        if problem then return nil, problem end
        if members[clean] then return clean end
        return nil, text
      end
    end

    -- The type of an enum that names none.
    local function type_of_enum(enum)
      if type(enum) ~= "table" then return "any" end
      local kind = type(enum[1])
      for index = 2, rawlen(enum) do if type(enum[index]) ~= kind then return "any" end end
      return (kind == "string" or kind == "number" or kind == "boolean") and kind or "any"
    end

    -- A description as { check, optional, nullable, default }.
    function compile(description, place, depth)
      if depth > DEPTH_MAX then malformed(place, "nested deeper than " .. DEPTH_MAX .. " levels") end
      if type(description) == "string" then description = { type = description } end
      if type(description) ~= "table" then
        malformed(place, "a description is a type's name or a table, not a " .. type(description))
      end
      local name = description.type
      if name == nil then
        name = description.fields ~= nil and "object" or description.items ~= nil and "array"
          or description.enum ~= nil and type_of_enum(description.enum) or nil
        if name == nil then malformed(place, "type is missing") end
      end
      local make, options = types[name], own_options[name]
      if not make then malformed(place, "unknown type " .. shown(name) .. ": it is " .. type_names) end
      for option, value in pairs(description) do
        if not common[option] and not options[option] then
          malformed(place, "unknown option " .. shown(option) .. " of the type " .. name)
        end
        if (option == "optional" or option == "nullable") and type(value) ~= "boolean" then
          malformed(place, option .. " must be true or false")
        end
      end
      local check = make(description, place, depth)
      if description.enum ~= nil and (name == "array" or name == "object") then
        malformed(place, "enum does not go with the type " .. name)
      end
      if description.enum ~= nil then check = one_of(check, description.enum, place) end
      local message = description.message
      if message ~= nil then
        if type(message) ~= "string" then malformed(place, "message must be a string") end
        local inner = check
        check = function(value)
          local clean, problem = inner(value)
          if problem then return nil, message end
          return clean
        end
      end
      local entry = { optional = description.optional, nullable = description.nullable }
      if description.nullable then
        local inner = check
        check = function(value)
          if value == null then return null end
          return inner(value)
        end
      end
      entry.check = check
      if description.default ~= nil then
        local value, problem = check(description.default)
        if problem then
          malformed(place, "default " .. (type(problem) == "string" and problem or "does not fit"))
        end
        entry.default = value
      end
      return entry
    end

    local function failure(problem)
      if type(problem) == "string" then problem = add(nil, "arguments", problem) end
      local paths = {}
      for path in pairs(problem.texts) do paths[#paths + 1] = path end
      sort(paths)
      local parts = {}
      for index = 1, #paths < 5 and #paths or 5 do
        parts[index] = paths[index] .. " " .. problem.texts[paths[index]]
      end
      if #paths > 5 then parts[6] = "and " .. #paths - 5 .. " more" end
      return { message = concat(parts, "; "), fields = problem.texts }
    end

    local function checker(fields, options)
      if type(fields) ~= "table" then malformed("", "it takes a table of fields, not a " .. type(fields)) end
      if options ~= nil and type(options) ~= "table" then malformed("", "its options are a table") end
      local description = { type = "object", fields = fields }
      for name, value in next, options or {} do
        if name ~= "extra" then malformed("", "unknown option " .. shown(name)) end
        description[name] = value
      end
      local check = compile(description, "", 0).check
      return function(args)
        -- No arguments at all are an empty array when they came as one.
        if type(args) == "table" and next(args) == nil then args = {} end
        local data, problem = check(args)
        if problem then return nil, failure(problem) end
        return data
      end
    end

    local function compiled(fields, options)
      local is_good, result = pcall(checker, fields, options)
      if is_good then return result end
      if type(result) == "table" and result.text then error("validate: " .. result.text, 3) end
      error(result, 0)
    end

    return {
      compile = function(_, fields, options)
        local check = compiled(fields, options)
        return check
      end,
      check = function(fields, args, options)
        local check = compiled(fields, options)
        return check(args)
      end,
    }
    """#
}
