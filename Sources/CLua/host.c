// Coroutines, modules and host functions. Invariants: every thread's extra space holds the host's address,
// its lowest bit set while that thread waits for the host (so that nobody else resumes it); the shared
// `_ENV` upvalue holds a request's globals table exactly while that request's coroutine runs, and the shared
// globals table else.
#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"

static uintptr_t *extra_space(lua_State *L) { return (uintptr_t *)lua_getextraspace(L); }

spacer_host *spacer_host_of(lua_State *L) { return (spacer_host *)(*extra_space(L) & ~(uintptr_t)1); }

static int thread_waits(lua_State *L) { return (int)(*extra_space(L) & 1); }

static void set_thread_waits(lua_State *L, int waits) {
  *extra_space(L) = (*extra_space(L) & ~(uintptr_t)1) | (waits ? 1 : 0);
}

void *spacer_empty_array_address(void) {
  static char place;
  return &place;
}

// MARK: The shared environment

/// Sets the `_ENV` of every chunk to the table at main-stack index `index`.
static void set_environment(spacer_host *host, int index) {
  lua_pushvalue(host->main, index);
  lua_setupvalue(host->main, SPACER_INDEX_ENVIRONMENT, 1);
  host->globals_index = index;
}

void spacer_join_environment(lua_State *L, int function) {
  spacer_host *host = spacer_host_of(L);
  function = lua_absindex(L, function);
  lua_pushvalue(host->main, SPACER_INDEX_ENVIRONMENT);
  if (L != host->main) lua_xmove(host->main, L, 1);
  lua_upvaluejoin(L, function, 1, -1, 1);
  lua_pop(L, 1);
}

void spacer_make_generation(spacer_host *host, int index, int module_count) {
  lua_State *L = host->main;
  lua_createtable(L, module_count, 0);
  lua_replace(L, index);
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, SPACER_INDEX_BASE);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_replace(L, index + 1);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, index + 1);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_replace(L, index + 2);
}

void spacer_push_globals(lua_State *L) {
  spacer_host *host = spacer_host_of(L);
  int is_request = host->loading == 0 && host->globals_index != SPACER_INDEX_GLOBALS;
  lua_pushvalue(host->main, is_request ? host->globals_index : host->loaded_index + 1);
  lua_xmove(host->main, L, 1);
}

void spacer_set_request_globals(spacer_host *host, int index) {
  lua_State *L = host->main;
  lua_createtable(L, 0, 0);
  lua_pushvalue(L, host->loaded_index + 2);
  lua_setmetatable(L, -2);
  lua_replace(L, index);
}

// MARK: Host functions

/// Puts the caller's position before the message on top. A built-in module's own Lua, whose chunk is named with
/// `=`, speaks for the code that calls it.
static void prefix_position(lua_State *L) {
  lua_Debug activation;
  int level = 1;
  while (lua_getstack(L, level, &activation)) {
    lua_getinfo(L, "S", &activation);
    if (activation.source[0] != '=' || activation.what[0] == 'C') break;
    level++;
  }
  luaL_where(L, level);
  lua_insert(L, -2);
  lua_concat(L, 2);
}

/// Whether the value at `index` is a built-in module: a function that was called with a colon got it.
static int is_module(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || luaL_getmetafield(L, index, "__frozen") == LUA_TNIL) return 0;
  lua_pop(L, 1);
  return 1;
}

static int wait_continues(lua_State *L, int status, lua_KContext context) {
  (void)status;
  spacer_host *host = spacer_host_of(L);
  int raises = host->raises;
  host->raises = 0;
  if (raises == 0) return lua_gettop(L) - (int)context;
  if (raises == SPACER_RAISE_AT) prefix_position(L);
  return lua_error(L);
}

/// A host function's results took more than the run may: what is garbage goes, or the call ends.
static void collect_or_raise(lua_State *L, spacer_host *host) {
  lua_gc(L, LUA_GCCOLLECT);
  if (host->memory_bytes <= host->memory_bytes_max) return;
  host->is_over_memory = 1;
  host->enforces_memory = 1;
  luaL_error(L, "not enough memory");
}

static int host_function(lua_State *L) {
  spacer_host *host = spacer_host_of(L);
  int number = (int)lua_tointeger(L, lua_upvalueindex(1));
  luaL_checkstack(L, 20, "host function");
  int enforces = host->enforces_memory;
  host->enforces_memory = 0;
  int result = host->invoke(host->context, L, number);
  // One that waits must not raise: its wait is known already. What it took counts from its next run on.
  if (result != SPACER_WAIT && enforces && host->memory_bytes > host->memory_bytes_max) collect_or_raise(L, host);
  host->enforces_memory = enforces;
  if (result >= 0) return result;
  switch (result) {
    case SPACER_RAISE_AT:
      if (is_module(L, 1)) {
        lua_pushfstring(L, "%s (write %s(…), with a dot)", lua_tostring(L, -1),
                        lua_tostring(L, lua_upvalueindex(2)));
      }
      prefix_position(L);
      return lua_error(L);
    case SPACER_WAIT:
      host->is_waiting = 1;
      return lua_yieldk(L, 0, lua_gettop(L), wait_continues);
    default:
      return lua_error(L);
  }
}

/// Whether the table on top has the function at `function` as a field; its name is pushed if so.
static int find_field(lua_State *L, int function) {
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    if (lua_rawequal(L, -1, function)) {
      lua_pop(L, 1);
      return 1;
    }
    lua_pop(L, 1);
  }
  return 0;
}

/// Pushes the library's name of the function on top, `table.sort`, or nil.
static void push_library_name(lua_State *L) {
  static const char *const libraries[] = {"string", "table", "utf8", NULL};
  int function = lua_gettop(L);
  lua_pushvalue(spacer_host_of(L)->main, SPACER_INDEX_BASE);
  lua_xmove(spacer_host_of(L)->main, L, 1);
  if (find_field(L, function)) return;
  for (int i = 0; libraries[i] != NULL; i++) {
    lua_getfield(L, function + 1, libraries[i]);
    // A library is a read-only view of its table.
    if (luaL_getmetafield(L, -1, "__index") != LUA_TNIL && find_field(L, function)) {
      lua_pushfstring(L, "%s.%s", libraries[i], lua_tostring(L, -1));
      return;
    }
  }
  lua_pushnil(L);
}

/// Pushes the name of the C function that keeps `blocked` from yielding, from `level` on: the innermost one
/// that could not go on later.
static const char *push_blocking_function(lua_State *L, lua_State *blocked, int level) {
  lua_Debug activation;
  luaL_checkstack(L, 20, "message");
  for (; lua_getstack(blocked, level, &activation); level++) {
    lua_getinfo(blocked, "Sf", &activation);
    if (L != blocked) lua_xmove(blocked, L, 1);
    if (strcmp(activation.what, "C") == 0) {
      push_library_name(L);
      const char *name = lua_tostring(L, -1);
      // These two let a wait pass through.
      if (name != NULL && strcmp(name, "pcall") != 0 && strcmp(name, "xpcall") != 0) {
        return lua_pushfstring(L, "inside '%s', which cannot be suspended: call it before or after", name);
      }
    }
    lua_settop(L, 1);
  }
  return lua_pushliteral(L, "here, where a C function is in between");
}

/// The function that may wait: refuses, by name, where a thread of the chain could not be suspended.
static int waiting_host_function(lua_State *L) {
  spacer_host *host = spacer_host_of(L);
  lua_State *blocked = !lua_isyieldable(L) ? L : host->blocked;
  if (blocked == NULL && host->current != NULL) return host_function(L);
  const char *name = lua_tostring(L, lua_upvalueindex(2));
  lua_settop(L, 1);
  if (host->loading > 0 || host->current == NULL) {
    lua_pushfstring(L, "%s cannot wait while a module loads: call it inside the handler", name);
  } else {
    lua_pushfstring(L, "%s cannot wait %s", name, push_blocking_function(L, blocked, blocked == L ? 1 : 0));
  }
  prefix_position(L);
  return lua_error(L);
}

void spacer_push_host_function(lua_State *L, int number, const char *name) {
  lua_pushinteger(L, number < 0 ? -number : number);
  lua_pushstring(L, name);
  lua_pushcclosure(L, number < 0 ? waiting_host_function : host_function, 2);
}

// MARK: Coverage

static void count_line(lua_State *L, lua_Debug *activation) {
  lua_getinfo(L, "S", activation);
  // Only the project's own files: built-in modules' chunks are named with `=`.
  if (activation->source[0] != '@') return;
  spacer_host *host = spacer_host_of(L);
  host->count_line(host->context, activation->source, activation->currentline);
}

/// Takes the watchdog's hook off `L`; what counts lines stays.
static void reset_hook(spacer_host *host, lua_State *L) {
  if (host->count_line != NULL) {
    lua_sethook(L, count_line, LUA_MASKLINE, 0);
  } else {
    lua_sethook(L, NULL, 0, 0);
  }
}

void spacer_count_lines(spacer_host *host, void (*count)(void *context, const char *source, int line)) {
  host->count_line = count;
  // A new thread takes the hook of the one that makes it.
  reset_hook(host, host->main);
  reset_hook(host, lua_tothread(host->main, SPACER_INDEX_LOADER));
}

// MARK: Runs and their bounds

static void raise_over_time(lua_State *L, lua_Debug *activation) {
  (void)activation;
  spacer_host_of(L)->is_over_time = 1;
  luaL_error(L, "the call used up its processor time");
}

/// From now on every instruction of the running thread raises.
static void stop_running(spacer_host *host) {
  if (host->running != NULL) lua_sethook(host->running, raise_over_time, LUA_MASKCOUNT, 1);
}

static _Thread_local spacer_host *thread_host;

static void interrupted(int signal) {
  (void)signal;
  spacer_host *host = thread_host;
  if (host == NULL) return;
  uint64_t slice = __atomic_load_n(&host->slice, __ATOMIC_RELAXED);
  if ((slice & 1) != 0 && slice == __atomic_load_n(&host->condemned_slice, __ATOMIC_RELAXED)) {
    __atomic_store_n(&host->stop_requested, 1, __ATOMIC_RELAXED);
    stop_running(host);
  }
}

void spacer_watch_thread(spacer_host *host) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = interrupted;
  action.sa_flags = SA_RESTART;
  sigaction(SIGURG, &action, NULL);
  // Whoever started the process may have left the signal blocked.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGURG);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  thread_host = host;
}

void spacer_set_cpu_budget(spacer_host *host, uint64_t nanoseconds) {
  __atomic_store_n(&host->cpu_nanoseconds, nanoseconds, __ATOMIC_RELAXED);
}

uint64_t spacer_cpu_budget(spacer_host *host) { return __atomic_load_n(&host->cpu_nanoseconds, __ATOMIC_RELAXED); }

uint64_t spacer_slice(spacer_host *host) { return __atomic_load_n(&host->slice, __ATOMIC_SEQ_CST); }

void spacer_stop(spacer_host *host, unsigned long thread, uint64_t slice) {
  __atomic_store_n(&host->condemned_slice, slice, __ATOMIC_SEQ_CST);
  pthread_kill(thread, SIGURG);
}

void spacer_watchdog_set_sleeps(int *sleeps, int value) {
  __atomic_store_n(sleeps, value, __ATOMIC_SEQ_CST);
}

/// User code begins on `L`. Nested begins belong to the outermost run.
static void begin_run(spacer_host *host, lua_State *L) {
  host->running = L;
  host->is_over_time = 0;
  host->is_over_memory = 0;
  __atomic_store_n(&host->stop_requested, 0, __ATOMIC_RELAXED);
  size_t base = host->run_memory_base != 0 ? host->run_memory_base : host->memory_bytes;
  host->run_memory_base = 0;
  host->memory_bytes_max = base + host->run_memory_bytes;
  host->enforces_memory = host->run_memory_bytes > 0;
  __atomic_add_fetch(&host->slice, 1, __ATOMIC_SEQ_CST);
  if (host->watchdog_sleeps != NULL && __atomic_load_n(host->watchdog_sleeps, __ATOMIC_RELAXED) &&
      __atomic_exchange_n(host->watchdog_sleeps, 0, __ATOMIC_SEQ_CST)) {
    uint64_t one = 1;
    // A full counter has woken it already.
    ssize_t ignored = write(host->watchdog_wake_up, &one, sizeof one);
    (void)ignored;
  }
}

static void end_run(spacer_host *host, lua_State *L) {
  __atomic_add_fetch(&host->slice, 1, __ATOMIC_RELEASE);
  host->enforces_memory = 0;
  host->running = NULL;
  if (host->is_over_time || lua_gethook(L) != NULL) reset_hook(host, L);
}

// MARK: Coroutines of the user's

/// Moves what `inner` yielded, returned or raised onto `L`. Returns 1 on success, 0 after an error.
static int finish_resume(lua_State *L, lua_State *inner, int status, int results) {
  if (status == LUA_OK || status == LUA_YIELD) {
    if (!lua_checkstack(L, results + 1)) {
      lua_settop(inner, -results - 1);
      lua_pushliteral(L, "too many results to resume");
      return 0;
    }
    lua_xmove(inner, L, results);
    return 1;
  }
  lua_xmove(inner, L, 1);
  return 0;
}

static int resume_continues(lua_State *L, int status, lua_KContext context);
static int wrap_continues(lua_State *L, int status, lua_KContext context);

static const char *refusal_to_resume(lua_State *L, lua_State *inner, int arguments) {
  if (inner == L) return "cannot resume non-suspended coroutine";
  if (thread_waits(inner)) return "cannot resume a coroutine that waits for a host function";
  if (!lua_checkstack(inner, arguments)) return "too many arguments to resume";
  if (lua_status(inner) == LUA_OK && lua_gettop(inner) == 0) return "cannot resume dead coroutine";
  return NULL;
}

/// Resumes `inner` with the `arguments` on `L`'s top. A wait of the host's inside it passes through: `L`
/// yields too, and comes back by `continuation` with what the host gives.
static int resume_inner(lua_State *L, lua_State *inner, int arguments, int *success,
                        lua_KFunction continuation) {
  const char *refusal = refusal_to_resume(L, inner, arguments);
  if (refusal != NULL) {
    spacer_host_of(L)->raises = 0;
    lua_settop(L, -arguments - 1);
    lua_pushstring(L, refusal);
    *success = 0;
    return 1;
  }
  lua_xmove(L, inner, arguments);
  int results = 0;
  spacer_host *host = spacer_host_of(L);
  host->running = inner;
  lua_State *blocked = host->blocked;
  if (blocked == NULL && !lua_isyieldable(L)) host->blocked = L;
  int status = lua_resume(inner, L, arguments, &results);
  host->blocked = blocked;
  host->running = L;
  // The signal may have come just as it yielded.
  if (lua_gethook(inner) != NULL) reset_hook(host, inner);
  if (host->is_over_time) stop_running(host);
  if (status == LUA_YIELD && host->is_waiting) {
    lua_settop(inner, -results - 1);
    set_thread_waits(inner, 1);
    return lua_yieldk(L, 0, (lua_KContext)inner, continuation);
  }
  int before = lua_gettop(L);
  *success = finish_resume(L, inner, status, results);
  return lua_gettop(L) - before;
}

/// What the host gave to `L` goes on to the coroutine that waits inside it. `L`'s stack holds that
/// coroutine and above it what was given.
static int continue_inner(lua_State *L, lua_State *inner, int *success, lua_KFunction continuation) {
  set_thread_waits(inner, 0);
  return resume_inner(L, inner, lua_gettop(L) - 1, success, continuation);
}

static lua_State *check_thread(lua_State *L) {
  lua_State *inner = lua_tothread(L, 1);
  luaL_argexpected(L, inner, 1, "coroutine");
  return inner;
}

static int finish_protected(lua_State *L, int count, int success) {
  lua_pushboolean(L, success);
  lua_insert(L, -count - 1);
  return count + 1;
}

static int coroutine_resume(lua_State *L) {
  lua_State *inner = check_thread(L);
  int success = 0;
  int count = resume_inner(L, inner, lua_gettop(L) - 1, &success, resume_continues);
  return finish_protected(L, count, success);
}

static int resume_continues(lua_State *L, int status, lua_KContext context) {
  (void)status;
  int success = 0;
  int count = continue_inner(L, (lua_State *)context, &success, resume_continues);
  return finish_protected(L, count, success);
}

/// Closes the pending variables of `inner`, whose code runs there, and leaves its status' error on its top.
/// After an overrun nothing more of it runs: its hooks are off.
static int close_inner(lua_State *L, lua_State *inner) {
  spacer_host *host = spacer_host_of(L);
  if (host->is_over_time) return LUA_ERRRUN;
  host->running = inner;
  int status = lua_resetthread(inner);
  host->running = L;
  if (lua_gethook(inner) != NULL) reset_hook(host, inner);
  if (host->is_over_time) stop_running(host);
  return status;
}

static int finish_wrap(lua_State *L, lua_State *inner, int count, int success) {
  if (success) return count;
  int status = lua_status(inner);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(L, inner, 1);
    status = close_inner(L, inner);
    lua_xmove(inner, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int coroutine_close(lua_State *L) {
  lua_State *inner = check_thread(L);
  lua_Debug activation;
  int is_running = inner == L || inner == spacer_host_of(L)->current ||
                   (lua_status(inner) == LUA_OK && lua_getstack(inner, 0, &activation));
  if (is_running || thread_waits(inner)) {
    return luaL_error(L, "cannot close a %s coroutine", thread_waits(inner) ? "waiting" : "running");
  }
  int status = close_inner(L, inner);
  if (status == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(inner, L, 1);
  return 2;
}

static int wrapped(lua_State *L) {
  lua_State *inner = lua_tothread(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  int success = 0;
  int count = resume_inner(L, inner, lua_gettop(L) - 1, &success, wrap_continues);
  return finish_wrap(L, inner, count, success);
}

static int wrap_continues(lua_State *L, int status, lua_KContext context) {
  (void)status;
  lua_State *inner = (lua_State *)context;
  int success = 0;
  int count = continue_inner(L, inner, &success, wrap_continues);
  return finish_wrap(L, inner, count, success);
}

static int coroutine_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *inner = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, inner, 1);
  return 1;
}

static int coroutine_wrap(lua_State *L) {
  coroutine_create(L);
  lua_pushcclosure(L, wrapped, 1);
  return 1;
}

/// A call's own coroutine looks like a program's main thread to its code.
static int is_outermost(lua_State *L) {
  spacer_host *host = spacer_host_of(L);
  return L == host->main || L == host->current;
}

static int coroutine_yield(lua_State *L) {
  if (is_outermost(L)) return luaL_error(L, "attempt to yield from outside a coroutine");
  return lua_yield(L, lua_gettop(L));
}

static int coroutine_isyieldable(lua_State *L) {
  lua_State *asked = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
  lua_pushboolean(L, !is_outermost(asked) && lua_isyieldable(asked));
  return 1;
}

static int coroutine_running(lua_State *L) {
  lua_pushthread(L);
  lua_pushboolean(L, is_outermost(L));
  return 2;
}

void spacer_add_coroutine_functions(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"close", coroutine_close},     {"create", coroutine_create},           {"resume", coroutine_resume},
                {"wrap", coroutine_wrap},
      {"yield", coroutine_yield},     {"isyieldable", coroutine_isyieldable}, {"running", coroutine_running},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}

// MARK: Modules

static const char module_is_loading;

int spacer_push_chunk(lua_State *L, spacer_module_chunk chunk) {
  int status = luaL_loadbufferx(L, chunk.bytes, chunk.length, chunk.chunk_name, "b");
  if (status == LUA_OK) spacer_join_environment(L, -1);
  return status;
}

/// Pushes the value of module `index` onto `L`, running its top level there unless it is loaded. `L` is
/// never the main thread, whose stack must stay at its base for the anchors' indexes to hold.
static void load_module(lua_State *L, spacer_host *host, int index) {
  lua_State *main = host->main;
  luaL_checkstack(L, 8, "require");
  if (!lua_checkstack(main, 8)) luaL_error(L, "too many nested module loads");
  int loaded_index = host->loaded_index;
  if (lua_rawgeti(main, loaded_index, index + 1) != LUA_TNIL) {
    int is_cycle = lua_touserdata(main, -1) == (void *)&module_is_loading;
    lua_xmove(main, L, 1);
    if (is_cycle) {
      luaL_error(L, "%s is required while it is still loading (a cycle)",
                 host->module_chunk(host->context, index).chunk_name + 1);
    }
    return;
  }
  lua_pop(main, 1);
  // A memory error on the main thread would end the process: none is raised but in the module's own code.
  int enforces = host->enforces_memory;
  host->enforces_memory = 0;
  spacer_module_chunk chunk = host->module_chunk(host->context, index);
  if (spacer_push_chunk(L, chunk) != LUA_OK) {
    host->enforces_memory = enforces;
    lua_error(L);
  }
  lua_pushlightuserdata(main, (void *)&module_is_loading);
  lua_rawseti(main, loaded_index, index + 1);

  // The caller's globals come back whatever happens, so the top level runs protected.
  int callers_globals = host->globals_index;
  set_environment(host, SPACER_INDEX_GLOBALS);
  lua_pushstring(L, chunk.chunk_name + 1);
  host->loading++;
  host->enforces_memory = enforces;
  int status = lua_pcall(L, 1, 1, 0);
  host->enforces_memory = 0;
  host->loading--;
  set_environment(host, callers_globals);
  if (status != LUA_OK) {
    lua_pushnil(main);
    lua_rawseti(main, loaded_index, index + 1);
    host->enforces_memory = enforces;
    lua_error(L);
  }
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
  }
  lua_pushvalue(L, -1);
  lua_xmove(L, main, 1);
  lua_rawseti(main, loaded_index, index + 1);
  host->enforces_memory = enforces;
}

static int load_module_protected(lua_State *L) {
  load_module(L, spacer_host_of(L), (int)lua_tointeger(L, 1));
  return 1;
}

int spacer_load_module(spacer_host *host, int index) {
  lua_State *main = host->main;
  if (lua_rawgeti(main, host->loaded_index, index + 1) != LUA_TNIL &&
      lua_touserdata(main, -1) != (void *)&module_is_loading) {
    return 0;
  }
  lua_pop(main, 1);
  lua_State *loader = lua_tothread(main, SPACER_INDEX_LOADER);
  lua_settop(loader, 0);
  lua_pushcfunction(loader, load_module_protected);
  lua_pushinteger(loader, index);
  // A module that a run asks for is bounded with it.
  int is_outermost_run = host->running == NULL;
  lua_State *outer_running = host->running;
  if (is_outermost_run) begin_run(host, loader);
  int enforces = host->enforces_memory;
  host->running = loader;
  host->enforces_memory = host->run_memory_bytes > 0;
  int status = lua_pcall(loader, 1, 1, 0);
  host->running = outer_running;
  host->enforces_memory = enforces;
  if (status == LUA_ERRMEM) host->is_over_memory = 1;
  if (is_outermost_run) end_run(host, loader);
  reset_hook(host, loader);
  if (!is_outermost_run && host->is_over_time) stop_running(host);
  lua_xmove(loader, main, 1);
  return status;
}

static int run_prelude(lua_State *L) {
  const char *text = lua_touserdata(L, 2);
  size_t length = (size_t)lua_tointeger(L, 3);
  const char *name = lua_touserdata(L, 4);
  if (luaL_loadbufferx(L, text, length, name, "t") != LUA_OK) return lua_error(L);
  // Its globals are the library's own, whatever a request has set.
  lua_pushvalue(spacer_host_of(L)->main, SPACER_INDEX_BASE);
  lua_xmove(spacer_host_of(L)->main, L, 1);
  lua_setupvalue(L, -2, 1);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

int spacer_run_prelude(spacer_host *host, const char *text, size_t length, const char *name) {
  lua_State *main = host->main;
  lua_State *thread = lua_newthread(main);
  lua_insert(main, -2);
  lua_pushcfunction(thread, run_prelude);
  lua_xmove(main, thread, 1);
  lua_pushlightuserdata(thread, (void *)text);
  lua_pushinteger(thread, (lua_Integer)length);
  lua_pushlightuserdata(thread, (void *)name);
  int status = lua_pcall(thread, 4, 1, 0);
  lua_xmove(thread, main, 1);
  lua_remove(main, -2);
  return status;
}

static void push_builtin(lua_State *L, spacer_host *host, int builtin) {
  lua_State *main = host->main;
  if (lua_rawgeti(main, SPACER_INDEX_BUILTINS, builtin + 1) == LUA_TNIL) {
    lua_pop(main, 1);
    int enforces = host->enforces_memory;
    host->enforces_memory = 0;
    host->push_builtin(host->context, main, builtin);
    lua_pushvalue(main, -1);
    lua_rawseti(main, SPACER_INDEX_BUILTINS, builtin + 1);
    host->enforces_memory = enforces;
  }
  if (L != main) lua_xmove(main, L, 1);
}

int spacer_require(lua_State *L) {
  spacer_host *host = spacer_host_of(L);
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  lua_settop(L, 1);
  char path[512];
  if (length == 0 || length >= sizeof path) return luaL_error(L, "module '%s' not found", name);
  for (size_t i = 0; i < length; i++) path[i] = name[i] == '.' ? '/' : name[i];
  spacer_module_place place = host->find_module(host->context, path, length);
  if (place.index >= 0) {
    load_module(L, host, place.index);
  } else if (place.index == -2) {
    push_builtin(L, host, place.builtin);
  } else {
    return luaL_error(L, "module '%s' not found: no app/%s.lua, no lib/%s.lua and no built-in module in this artifact",
                      name, name, name);
  }
  return 1;
}

// MARK: Calls

int spacer_resume(spacer_host *host, lua_State *coroutine, lua_State *from, int globals, int arguments,
                  int raises, int *results) {
  lua_State *outer = host->current;
  lua_State *outer_running = host->running;
  lua_State *outer_blocked = host->blocked;
  int outer_globals = host->globals_index;
  set_environment(host, globals);
  set_thread_waits(coroutine, 0);
  host->current = coroutine;
  host->blocked = NULL;
  host->is_waiting = 0;
  host->raises = raises;
  if (host->is_seeded) spacer_forget_seed(host);
  if (outer == NULL) {
    begin_run(host, coroutine);
  } else {
    // A called function's code is bounded with its caller's.
    host->running = coroutine;
    host->enforces_memory = host->run_memory_bytes > 0;
  }
  int status = lua_resume(coroutine, from != NULL ? from : host->main, arguments, results);
  if (outer == NULL) {
    end_run(host, coroutine);
  } else {
    host->running = outer_running;
    host->enforces_memory = 0;
    if (host->is_over_time) {
      reset_hook(host, coroutine);
      stop_running(host);
    }
  }
  host->current = outer;
  host->blocked = outer_blocked;
  host->raises = 0;
  // That this one waits says nothing of a caller that goes on.
  host->is_waiting = 0;
  set_environment(host, outer_globals);
  if (status == LUA_ERRMEM) host->is_over_memory = 1;
  if (status == LUA_OK) return SPACER_DONE;
  if (status == LUA_YIELD) {
    lua_settop(coroutine, lua_gettop(coroutine) - *results);
    // Code that kept this thread must neither resume nor close it.
    set_thread_waits(coroutine, 1);
    return SPACER_PARKED;
  }
  return SPACER_FAILED;
}

void spacer_reset(spacer_host *host, lua_State *coroutine, int globals) {
  lua_State *outer = host->current;
  int outer_globals = host->globals_index;
  set_environment(host, globals);
  set_thread_waits(coroutine, 0);
  host->current = coroutine;
  // What `<close>` variables run is a run of its own, or belongs to the caller's.
  lua_State *outer_running = host->running;
  int enforces = host->enforces_memory;
  int over_time = host->is_over_time;
  int over_memory = host->is_over_memory;
  if (outer_running == NULL) begin_run(host, coroutine);
  host->running = coroutine;
  host->enforces_memory = host->run_memory_bytes > 0;
  lua_State *outer_blocked = host->blocked;
  host->blocked = coroutine;
  lua_resetthread(coroutine);
  host->blocked = outer_blocked;
  int is_over_now = host->is_over_time;
  if (outer_running == NULL) end_run(host, coroutine);
  host->running = outer_running;
  host->enforces_memory = enforces;
  if (outer_running != NULL && is_over_now) stop_running(host);
  host->is_over_time = over_time || (outer_running != NULL && is_over_now);
  host->is_over_memory = over_memory;
  host->current = outer;
  set_environment(host, outer_globals);
  lua_settop(coroutine, 0);
}

// MARK: The state

static int open_protected(lua_State *L) {
  spacer_open_sandbox(L);
  return 0;
}

lua_State *spacer_host_open(spacer_host *host) {
  lua_State *L = lua_newstate(spacer_allocate, host);
  if (L == NULL) return NULL;
  *extra_space(L) = (uintptr_t)host;
  host->main = L;
  lua_settop(L, 0);
  if (!lua_checkstack(L, 64)) {
    lua_close(L);
    return NULL;
  }
  // Only a Lua function's upvalue can be joined: an empty chunk has the one it takes.
  if (luaL_loadstring(L, "") != LUA_OK) {  // SPACER_INDEX_ENVIRONMENT
    lua_close(L);
    return NULL;
  }
  lua_newtable(L);  // SPACER_INDEX_BASE
  lua_newtable(L);  // SPACER_INDEX_GLOBALS
  lua_newtable(L);  // SPACER_INDEX_BUILTINS
  lua_newtable(L);  // SPACER_INDEX_ARRAY_META
  lua_State *loader = lua_newthread(L);  // SPACER_INDEX_LOADER
  lua_pushcfunction(loader, open_protected);
  if (lua_pcall(loader, 0, 0, 0) != LUA_OK) {
    lua_close(L);
    return NULL;
  }
  spacer_forget_seed(host);
  set_environment(host, SPACER_INDEX_GLOBALS);
  return L;
}

void spacer_host_close(spacer_host *host) {
  if (host->main != NULL) lua_close(host->main);
  host->main = NULL;
  spacer_free_blocks(host);
}
