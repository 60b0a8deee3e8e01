// Library functions whose loops the caller's numbers decide, written so that the watchdog can end them: the
// VM's own run in C, where no hook fires. They honour metamethods as the originals do.
#define _DEFAULT_SOURCE
#include <unistd.h>

#include "patterns.h"
#include "sandbox.h"

void spacer_check_stop(spacer_host *host, lua_State *L) {
  if (__atomic_load_n(&host->stop_requested, __ATOMIC_RELAXED) == 0) return;
  host->is_over_time = 1;
  luaL_error(L, "the call used up its processor time");
}

static void check_stop(void *host, lua_State *L, size_t steps) {
  (void)steps;
  spacer_check_stop(host, L);
}

/// The original, a C function without upvalues, is this function's upvalue.
static int call_original(lua_State *L) {
  lua_CFunction original = lua_tocfunction(L, lua_upvalueindex(1));
  return original(L);
}

/// Nothing repeated is nothing, however often.
static int string_rep(lua_State *L) {
  size_t length;
  size_t separator_length = 0;
  luaL_checklstring(L, 1, &length);
  luaL_checkinteger(L, 2);
  luaL_optlstring(L, 3, "", &separator_length);
  if (length != 0 || separator_length != 0) return call_original(L);
  lua_pushliteral(L, "");
  return 1;
}

/// Whether the value can be indexed: a table, or one whose metatable makes it one.
static void check_table(lua_State *L, int argument) {
  if (lua_type(L, argument) == LUA_TTABLE) return;
  if (luaL_getmetafield(L, argument, "__index") == LUA_TNIL) luaL_checktype(L, argument, LUA_TTABLE);
  lua_pop(L, 1);
}

static void copy_element(lua_State *L, int from, lua_Integer source, int to, lua_Integer target) {
  spacer_check_stop(spacer_host_of(L), L);
  lua_geti(L, from, source);
  lua_seti(L, to, target);
}

static int table_move(lua_State *L) {
  lua_Integer first = luaL_checkinteger(L, 2);
  lua_Integer last = luaL_checkinteger(L, 3);
  lua_Integer target = luaL_checkinteger(L, 4);
  int to = lua_isnoneornil(L, 5) ? 1 : 5;
  check_table(L, 1);
  check_table(L, to);
  if (last >= first) {
    luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
    lua_Integer count = last - first + 1;
    luaL_argcheck(L, target <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
    int overlaps = target > first && target <= last && (to == 1 || lua_compare(L, 1, to, LUA_OPEQ));
    for (lua_Integer i = 0; i < count; i++) {
      lua_Integer offset = overlaps ? count - 1 - i : i;
      copy_element(L, 1, first + offset, to, target + offset);
    }
  }
  lua_pushvalue(L, to);
  return 1;
}

static int table_insert(lua_State *L) {
  check_table(L, 1);
  lua_Integer end = (lua_Integer)((lua_Unsigned)luaL_len(L, 1) + 1);
  int count = lua_gettop(L);
  if (count == 2) {
    lua_seti(L, 1, end);
    return 0;
  }
  if (count != 3) return luaL_error(L, "wrong number of arguments to 'insert'");
  lua_Integer position = luaL_checkinteger(L, 2);
  luaL_argcheck(L, (lua_Unsigned)position - 1u < (lua_Unsigned)end, 2, "position out of bounds");
  for (lua_Integer i = end; i > position; i--) copy_element(L, 1, i - 1, 1, i);
  lua_seti(L, 1, position);
  return 0;
}

static int table_remove(lua_State *L) {
  check_table(L, 1);
  lua_Integer size = luaL_len(L, 1);
  lua_Integer position = luaL_optinteger(L, 2, size);
  if (position != size) {
    luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)size, 2, "position out of bounds");
  }
  lua_geti(L, 1, position);
  for (; position < size; position++) copy_element(L, 1, position + 1, 1, position);
  lua_pushnil(L);
  lua_seti(L, 1, position);
  return 1;
}

void spacer_guard_string(lua_State *L) {
  spacer_host *host = spacer_host_of(L);
  host->pattern_budget.spend = check_stop;
  host->pattern_budget.context = host;
  spacer_add_pattern_functions(L, &host->pattern_budget);
  lua_getfield(L, -1, "rep");
  lua_pushcclosure(L, string_rep, 1);
  lua_setfield(L, -2, "rep");
}

static const char seed_key;

/// Sets the seed for the running call only: the next one to run gets another.
static int math_randomseed(lua_State *L) {
  int count = lua_gettop(L);
  spacer_host_of(L)->is_seeded = 1;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, count, LUA_MULTRET);
  return lua_gettop(L);
}

void spacer_guard_math(lua_State *L) {
  lua_getfield(L, -1, "randomseed");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &seed_key);
  lua_pushcclosure(L, math_randomseed, 1);
  lua_setfield(L, -2, "randomseed");
}

void spacer_forget_seed(spacer_host *host) {
  host->is_seeded = 0;
  lua_State *L = lua_tothread(host->main, SPACER_INDEX_LOADER);
  if (L == NULL || !lua_checkstack(L, 8)) return;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &seed_key);
  // Lua's own choice is the second of the day.
  lua_Integer seed[2];
  if (host->has_fixed_seed) {
    seed[0] = (lua_Integer)host->fixed_seed;
    seed[1] = 0;
  } else if (getentropy(seed, sizeof seed) != 0) {
    seed[0] = seed[1] = (lua_Integer)(size_t)&seed;
  }
  lua_pushinteger(L, seed[0]);
  lua_pushinteger(L, seed[1]);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
}

void spacer_fix_seed(spacer_host *host, int64_t seed) {
  host->has_fixed_seed = 1;
  host->fixed_seed = seed;
  spacer_forget_seed(host);
}

void spacer_free_seed(spacer_host *host) {
  host->has_fixed_seed = 0;
  spacer_forget_seed(host);
}

void spacer_guard_table(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"move", table_move}, {"insert", table_insert}, {"remove", table_remove}, {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
