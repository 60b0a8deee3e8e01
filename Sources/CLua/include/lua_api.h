// Lua's API macros as functions, so that Swift can call them. None of these raises.
#pragma once
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>

static inline void spacer_lua_pop(lua_State *L, int count) { lua_settop(L, -count - 1); }
static inline const char *spacer_lua_release(void) { return LUA_RELEASE; }
static inline void spacer_lua_collect(lua_State *L) { lua_gc(L, LUA_GCCOLLECT); }

static inline int spacer_lua_registry(void) { return LUA_REGISTRYINDEX; }
