#!/usr/bin/env python3
"""Writes a Spacer project of many modules, the same for the same seed.

Usage: modules.py FOLDER [--modules 1000] [--seed 1]

Two modules of five are handlers with a route each, the rest libraries. Every library is required by a
handler or by an earlier library, so that all of them belong to the artifact, and libraries require only
later ones, so that there is no cycle. A module has about 100 lines of the code that such files have:
constants, checks, loops over rows, string building, closures, metatables, a pcall.
"""

import argparse
import os
import random

DOMAINS = ["billing", "catalog", "orders", "people", "search", "shipping", "stock", "support"]
NOUNS = ["account", "basket", "carrier", "invoice", "label", "payment", "price", "review", "ticket"]
VERBS = ["approve", "cancel", "create", "export", "find", "import", "list", "merge", "update"]
FIELDS = ["amount", "city", "code", "count", "email", "level", "name", "owner", "rate", "state", "weight"]

# Each block defines functions on M. @N@ is the block's number in its module, @A@ and @B@ are fields,
# @X@ and @Y@ whole numbers, @R@ a fraction.
BLOCKS = [
    """\
local LEVELS_@N@ = { low = @X@, middle = @X@ + @Y@, high = (@X@ + @Y@) * 2 }

-- The highest level that the amount reaches.
function M.level_@N@(amount)
  local best, limit = "none", -1
  for name, least in pairs(LEVELS_@N@) do
    if amount >= least and least > limit then
      best, limit = name, least
    end
  end
  return best, limit
end
""",
    """\
function M.validate_@N@(value)
  if type(value) ~= "table" then
    return nil, "a table is needed, not a " .. type(value)
  end
  local problems = {}
  if type(value.@A@) ~= "string" or #value.@A@ > @X@ then
    problems[#problems + 1] = "@A@ must be a string of at most @X@ bytes"
  end
  if value.@B@ ~= nil and not tonumber(value.@B@) then
    problems[#problems + 1] = string.format("@B@ must be a number, not %q", tostring(value.@B@))
  end
  if #problems > 0 then
    return nil, table.concat(problems, "; ")
  end
  return value
end
""",
    """\
-- Sums of @B@ by @A@, with the share that each has of the whole.
function M.totals_@N@(rows)
  local sums, whole = {}, 0
  for _, row in ipairs(rows) do
    local key = row.@A@ or "unknown"
    local amount = tonumber(row.@B@) or 0
    sums[key] = (sums[key] or 0) + amount
    whole = whole + amount
  end
  local result = {}
  for key, sum in pairs(sums) do
    result[#result + 1] = { key = key, sum = sum, share = whole > 0 and sum / whole or 0 }
  end
  table.sort(result, function(one, two)
    if one.sum ~= two.sum then return one.sum > two.sum end
    return tostring(one.key) < tostring(two.key)
  end)
  return result
end
""",
    """\
function M.slug_@N@(text)
  local slug = text:lower():gsub("[^%w]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  if #slug > @X@ then
    slug = slug:sub(1, @X@)
  end
  return slug ~= "" and slug or "item-@Y@"
end

function M.words_@N@(text)
  local words = {}
  for word in text:gmatch("%S+") do
    words[#words + 1] = word
  end
  return words, #words
end
""",
    """\
local Counter_@N@ = {}
Counter_@N@.__index = Counter_@N@

function M.counter_@N@(start)
  return setmetatable({ value = start or @X@, steps = 0 }, Counter_@N@)
end

function Counter_@N@:add(step)
  self.value = self.value + (step or 1)
  self.steps = self.steps + 1
  if self.value > @X@ * @Y@ then
    self.value = self.value % @Y@
  end
  return self
end

function Counter_@N@:mean()
  return self.steps == 0 and 0 or self.value / self.steps
end
""",
    """\
-- Splits a list into pages of @X@.
function M.pages_@N@(list)
  local pages, page = {}, {}
  for index, item in ipairs(list) do
    page[#page + 1] = item
    if #page == @X@ or index == #list then
      pages[#pages + 1] = page
      page = {}
    end
  end
  return pages
end
""",
    """\
function M.memo_@N@(compute)
  local known, order = {}, {}
  return function(key)
    local value = known[key]
    if value == nil then
      value = compute(key)
      known[key] = value
      order[#order + 1] = key
      if #order > @X@ then
        known[table.remove(order, 1)] = nil
      end
    end
    return value
  end
end
""",
    """\
function M.price_@N@(amount, options)
  options = options or {}
  local rate = options.rate or @R@
  local rounded = math.floor(amount * (1 + rate) * 100 + 0.5) / 100
  if options.@A@ == "reduced" then
    rounded = rounded - @X@
  elseif options.@A@ == "free" then
    return 0
  else
    rounded = rounded + (options.extra or 0)
  end
  return math.max(rounded, 0), ("%.2f"):format(rounded)
end
""",
    """\
function M.guarded_@N@(action, ...)
  local ok, result = pcall(action, ...)
  if not ok then
    local message = tostring(result):match("([^\\n]+)") or "unknown"
    return { ok = false, reason = message, code = @X@ }
  end
  return { ok = true, result = result }
end
""",
    """\
function M.hash_@N@(text)
  local hash = @X@
  for index = 1, #text do
    hash = ((hash << 5) ~ (hash >> 2) ~ text:byte(index)) & 0xFFFFFFFF
  end
  while hash < @Y@ do
    hash = hash * 31 + 7
  end
  return string.format("%08x", hash)
end
""",
    """\
-- Changes of @A@ and @B@ between two rows, as text and as a table.
function M.diff_@N@(before, after)
  local lines, changes = {}, {}
  for _, field in ipairs({ "@A@", "@B@" }) do
    local old, new = before[field], after[field]
    if old ~= new then
      lines[#lines + 1] = field .. ": " .. tostring(old) .. " -> " .. tostring(new)
      changes[field] = { old = old, new = new }
    end
  end
  return table.concat(lines, "\\n"), changes
end
""",
]


def block(choose, number):
    text = choose.choice(BLOCKS)
    one, two = choose.sample(FIELDS, 2)
    values = {
        "@N@": number, "@A@": one, "@B@": two, "@X@": choose.randint(3, 90),
        "@Y@": choose.randint(100, 9000), "@R@": choose.randint(1, 99) / 100,
    }
    for mark, value in values.items():
        text = text.replace(mark, str(value))
    return text


def body(choose, lines):
    """Blocks until the module has about `lines` lines."""
    blocks, count = [], 0
    while count < lines - 10:
        blocks.append(block(choose, len(blocks) + 1))
        count += blocks[-1].count("\n") + 1
    return "\n".join(blocks)


def requires(names):
    return "".join(f'local {name.split("/")[1]} = require "{name}"\n' for name in names)


def library(choose, name, needed):
    uses = "".join(f"  parts[#parts + 1] = {other.split('/')[1]}.describe(value)\n" for other in needed)
    return (
        f"-- {name}: what the others ask about.\n{requires(needed)}\nlocal M = {{}}\n\n"
        f"M.revision = {choose.randint(1, 999)}\n\n{body(choose, 80)}\n"
        f'function M.describe(value)\n  local parts = {{ "{name}", tostring(value) }}\n{uses}'
        f'  return table.concat(parts, " ")\nend\n\nreturn M\n')


def handler(choose, name, needed):
    uses = "".join(f"  lines[#lines + 1] = {other.split('/')[1]}.describe(id)\n" for other in needed)
    return (
        f"-- {name}: one route's function.\n{requires(needed)}\nlocal M = {{}}\n\n{body(choose, 75)}\n"
        f"return function(args)\n  local id = tonumber(args.id)\n  if not id then\n"
        f'    return nil, {{ message = "id must be a number", field = "id" }}\n  end\n'
        f"  local lines, count = {{}}, 0\n{uses}  for _ in pairs(M) do\n    count = count + 1\n  end\n"
        f"  return {{ id = id, lines = lines, functions = count }}\nend\n")


def project(modules, seed):
    """{path in the project: text}, in a fixed order."""
    choose = random.Random(seed)
    handler_count = modules * 2 // 5
    libraries = [
        f"{choose.choice(DOMAINS)}/{choose.choice(NOUNS)}_{number}"
        for number in range(modules - handler_count)
    ]
    handlers = [
        f"{choose.choice(DOMAINS)}/{choose.choice(VERBS)}_{choose.choice(NOUNS)}_{number}"
        for number in range(handler_count)
    ]
    files = {"config/application.yml": "spacerVersion: 1\nappName: generated\n"}
    for number, name in enumerate(libraries):
        later = libraries[number + 1:number + 40]
        needed = sorted(choose.sample(later, min(len(later), choose.randint(0, 3))))
        files[f"lib/{name}.lua"] = library(choose, name, needed)
    routes = []
    for number, name in enumerate(handlers):
        files[f"app/{name}.lua"] = handler(choose, name, sorted(libraries[number::handler_count]))
        domain, action = name.split("/")
        method = choose.choice(["GET", "POST", "PUT", "DELETE"])
        routes.append(f'  {{ "{method}", "/{domain}/{action}/:id", "{name}" }},\n')
    files["app/gateway.lua"] = "return {\n" + "".join(routes) + "}\n"
    return files


def write(folder, modules=1000, seed=1):
    """Writes the project; returns the paths of its Lua files."""
    paths = []
    for path, text in project(modules, seed).items():
        whole = os.path.join(folder, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w") as file:
            file.write(text)
        if path.endswith(".lua"):
            paths.append(whole)
    return paths


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--modules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    written = write(options.folder, options.modules, options.seed)
    print(f"{len(written)} Lua files in {options.folder}")
