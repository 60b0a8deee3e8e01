// The library user code sees. Invariants: nothing reachable from it opens files, runs programs, loads
// bytecode, finalises objects or reaches the registry; library tables are read-only views, so that no
// request can change what another sees.
#include "sandbox.h"

#include <string.h>

// MARK: Read-only tables

static int refuse_write(lua_State *L) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
  return luaL_error(L, "attempt to change a read-only library table (field '%s')", key);
}

static int frozen_next(lua_State *L) {
  lua_settop(L, 2);
  if (lua_next(L, lua_upvalueindex(1))) return 2;
  lua_pushnil(L);
  return 1;
}

static int frozen_pairs(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, frozen_next, 1);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/// Sets the fields that make the table on top the metatable of a read-only one.
void spacer_add_frozen_fields(lua_State *L) {
  lua_pushcfunction(L, refuse_write);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "__frozen");
}

void spacer_freeze(spacer_host *host, lua_State *L) {
  (void)host;
  luaL_checkstack(L, 6, "library");
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 5);
  spacer_add_frozen_fields(L);
  // A module that is a function too stays one.
  if (luaL_getmetafield(L, -3, "__call") != LUA_TNIL) lua_setfield(L, -2, "__call");
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, frozen_pairs, 1);
  lua_setfield(L, -2, "__pairs");
  lua_setmetatable(L, -2);
  lua_replace(L, -2);
}

static int is_frozen(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__frozen") == LUA_TNIL) return 0;
  lua_pop(L, 1);
  return 1;
}

static int guarded_rawset(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  luaL_checkany(L, 3);
  lua_settop(L, 3);
  if (is_frozen(L, 1)) return refuse_write(L);
  if (luaL_getmetafield(L, 1, "__globals") != LUA_TNIL) {
    lua_settop(L, 3);
    spacer_push_globals(L);
    lua_replace(L, 1);
  }
  lua_rawset(L, 1);
  return 1;
}

// MARK: Base functions

static int guarded_setmetatable(lua_State *L) {
  int type = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) {
    return luaL_error(L, "cannot change a protected metatable");
  }
  lua_settop(L, 2);
  if (type == LUA_TTABLE) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL) {
      return luaL_error(L, "finalizers (__gc) are not available here: use a <close> variable");
    }
    lua_settop(L, 2);
  }
  lua_setmetatable(L, 1);
  return 1;
}

static int memory_count(lua_State *L) {
  const char *option = luaL_optstring(L, 1, "collect");
  if (strcmp(option, "count") != 0) {
    return luaL_error(L, "collectgarbage offers only \"count\" here: the platform runs the collector");
  }
  lua_Integer bytes = (lua_Integer)lua_gc(L, LUA_GCCOUNT) * 1024 + lua_gc(L, LUA_GCCOUNTB);
  lua_pushnumber(L, (lua_Number)bytes / 1024);
  return 1;
}

static int load_text(lua_State *L) {
  static const char *const default_name = "=(load)";
  size_t length;
  const char *text = NULL;
  if (lua_type(L, 1) == LUA_TSTRING) {
    text = lua_tolstring(L, 1, &length);
  } else {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_Buffer buffer;
    lua_settop(L, 4);
    // The pieces are gathered in a table first: a buffer must not be open across a call.
    lua_newtable(L);
    lua_Integer count = 0;
    for (;;) {
      lua_pushvalue(L, 1);
      lua_call(L, 0, 1);
      if (lua_isnil(L, -1)) break;
      if (lua_type(L, -1) != LUA_TSTRING) return luaL_error(L, "reader function must return a string");
      size_t piece;
      lua_tolstring(L, -1, &piece);
      if (piece == 0) break;
      lua_rawseti(L, 5, ++count);
    }
    lua_settop(L, 5);
    luaL_buffinit(L, &buffer);
    for (lua_Integer i = 1; i <= count; i++) {
      lua_rawgeti(L, 5, i);
      luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    lua_replace(L, 1);
    lua_settop(L, 4);
    if (lua_isnil(L, 4)) lua_settop(L, 3);
    text = lua_tolstring(L, 1, &length);
  }
  const char *name = luaL_optstring(L, 2, lua_type(L, 1) == LUA_TSTRING ? text : default_name);
  int has_environment = !lua_isnone(L, 4);
  if (luaL_loadbufferx(L, text, length, name, "t") != LUA_OK) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  if (has_environment) {
    lua_pushvalue(L, 4);
    if (lua_setupvalue(L, -2, 1) == NULL) lua_pop(L, 1);
  } else {
    spacer_join_environment(L, -1);
  }
  return 1;
}

static int print_line(lua_State *L) {
  spacer_host *host = spacer_host_of(L);
  int count = lua_gettop(L);
  luaL_checkstack(L, count + 8, "print");
  for (int i = 1; i <= count; i++) {
    luaL_tolstring(L, i, NULL);
    lua_replace(L, i);
  }
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (int i = 1; i <= count; i++) {
    if (i > 1) luaL_addchar(&buffer, '\t');
    size_t length;
    const char *text = lua_tolstring(L, i, &length);
    luaL_addlstring(&buffer, text, length);
  }
  luaL_pushresult(&buffer);
  size_t length;
  const char *line = lua_tolstring(L, -1, &length);
  host->print(host->context, line, length);
  return 0;
}

static int table_length(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushinteger(L, luaL_len(L, 1));
  return 1;
}

static int power(lua_State *L) {
  luaL_checknumber(L, 1);
  luaL_checknumber(L, 2);
  lua_settop(L, 2);
  lua_arith(L, LUA_OPPOW);
  return 1;
}

// MARK: Errors that end a call

/// The user's message handler, the upvalue, unless the run is over its time: then none of its code may run,
/// since it would inside the hook, where no further hook fires.
static int guarded_handler(lua_State *L) {
  if (spacer_host_of(L)->is_over_time) return 1;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int finish_xpcall(lua_State *L, int status, lua_KContext extra) {
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_pushboolean(L, 0);
    lua_pushvalue(L, -2);
    return 2;
  }
  return lua_gettop(L) - (int)extra;
}

static int guarded_xpcall(lua_State *L) {
  int count = lua_gettop(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, guarded_handler, 1);
  lua_replace(L, 2);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  int status = lua_pcallk(L, count - 2, LUA_MULTRET, 2, 2, finish_xpcall);
  return finish_xpcall(L, status, 2);
}

// MARK: Globals

static int globals_index(lua_State *L) {
  lua_settop(L, 2);
  spacer_push_globals(L);
  lua_pushvalue(L, 2);
  lua_gettable(L, 3);
  return 1;
}

static int globals_newindex(lua_State *L) {
  lua_settop(L, 3);
  spacer_push_globals(L);
  lua_insert(L, 2);
  lua_rawset(L, 2);
  return 0;
}

static int globals_pairs(lua_State *L) {
  lua_getglobal(L, "next");
  spacer_push_globals(L);
  lua_pushnil(L);
  return 3;
}

/// Replaces the globals' stand-in at `index` by what it stands for.
static void resolve_globals(lua_State *L, int index) {
  spacer_host *host = spacer_host_of(L);
  if (lua_topointer(L, index) != lua_topointer(host->main, SPACER_INDEX_GLOBALS)) return;
  spacer_push_globals(L);
  lua_replace(L, index);
}

static int guarded_rawget(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  resolve_globals(L, 1);
  lua_rawget(L, 1);
  return 1;
}

// MARK: Assembly

/// Copies the `names` of the table at `from` into the table at `to`.
static void copy_fields(lua_State *L, int from, int to, const char *const names[]) {
  for (int i = 0; names[i] != NULL; i++) {
    lua_getfield(L, from, names[i]);
    lua_setfield(L, to, names[i]);
  }
}

/// Opens a standard library and leaves its table on top.
static void open_library(lua_State *L, const char *name, lua_CFunction open) {
  luaL_requiref(L, name, open, 0);
}

/// Freezes the table on top into field `name` of the table at `shared`.
static void publish(lua_State *L, int shared, const char *name) {
  spacer_freeze(spacer_host_of(L), L);
  lua_setfield(L, shared, name);
}

static void open_base(lua_State *L, int shared) {
  static const char *const names[] = {
      "assert",   "error",  "getmetatable", "ipairs",   "next",     "pairs", "pcall", "rawequal", "rawlen",
      "select",   "tonumber", "tostring",   "type",     "_VERSION", NULL,
  };
  static const luaL_Reg guarded[] = {
      {"rawget", guarded_rawget},  {"xpcall", guarded_xpcall},            {"rawset", guarded_rawset},
      {"setmetatable", guarded_setmetatable}, {"collectgarbage", memory_count},
      {"load", load_text},        {"loadstring", load_text},              {"print", print_line},
      {"require", spacer_require}, {NULL, NULL},
  };
  open_library(L, "_G", luaopen_base);
  copy_fields(L, lua_gettop(L), shared, names);
  lua_pop(L, 1);
  lua_pushvalue(L, shared);
  luaL_setfuncs(L, guarded, 0);
  lua_pop(L, 1);
}

static void open_libraries(lua_State *L, int shared) {
  static const char *const os_names[] = {"time", "clock", "date", "difftime", NULL};
  static const char *const coroutine_names[] = {"status", NULL};

  open_library(L, "string", luaopen_string);
  lua_pushnil(L);
  lua_setfield(L, -2, "dump");
  spacer_guard_string(L);
  // Methods of string values read the real table; its metatable is out of reach.
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 2);
  publish(L, shared, "string");

  open_library(L, "table", luaopen_table);
  lua_getfield(L, -1, "unpack");
  lua_setfield(L, shared, "unpack");
  lua_pushcfunction(L, table_length);
  lua_setfield(L, -2, "getn");
  spacer_guard_table(L);
  publish(L, shared, "table");

  open_library(L, "math", luaopen_math);
  lua_pushcfunction(L, power);
  lua_setfield(L, -2, "pow");
  spacer_guard_math(L);
  publish(L, shared, "math");

  open_library(L, "utf8", luaopen_utf8);
  publish(L, shared, "utf8");

  open_library(L, "os", luaopen_os);
  lua_newtable(L);
  copy_fields(L, lua_gettop(L) - 1, lua_gettop(L), os_names);
  spacer_push_host_function(L, SPACER_FUNCTION_GETENV, "os.getenv");
  lua_setfield(L, -2, "getenv");
  publish(L, shared, "os");
  lua_pop(L, 1);

  open_library(L, "coroutine", luaopen_coroutine);
  lua_newtable(L);
  copy_fields(L, lua_gettop(L) - 1, lua_gettop(L), coroutine_names);
  spacer_add_coroutine_functions(L);
  publish(L, shared, "coroutine");
  lua_pop(L, 1);
}

void spacer_open_sandbox(lua_State *L) {
  spacer_host *host = spacer_host_of(L);
  lua_State *main = host->main;
  lua_settop(L, 0);
  lua_pushvalue(main, SPACER_INDEX_BASE);
  lua_pushvalue(main, SPACER_INDEX_GLOBALS);
  lua_pushvalue(main, SPACER_INDEX_ARRAY_META);
  lua_xmove(main, L, 3);
  open_base(L, 1);
  spacer_push_host_function(L, -SPACER_FUNCTION_SLEEP, "sleep");
  lua_setfield(L, 1, "sleep");
  spacer_push_host_function(L, SPACER_FUNCTION_DEFER, "defer");
  lua_setfield(L, 1, "defer");
  open_libraries(L, 1);
  lua_pushvalue(L, 2);
  lua_setfield(L, 1, "_G");

  lua_createtable(L, 0, 5);
  lua_pushcfunction(L, globals_index);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, globals_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, globals_pairs);
  lua_setfield(L, -2, "__pairs");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "__globals");
  lua_setmetatable(L, 2);

  // The array tag is an empty table that nobody can fill.
  lua_createtable(L, 0, 3);
  spacer_add_frozen_fields(L);
  lua_setmetatable(L, 3);
  lua_pushvalue(L, 3);
  lua_rawsetp(L, LUA_REGISTRYINDEX, spacer_empty_array_address());

  // Unreachable from here on, but kept by the registry: drop what could be used to escape.
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_settop(L, 0);
}
