// Private to the C side of the edge.
#pragma once
#include "host.h"

spacer_host *spacer_host_of(lua_State *L);
/// Makes the first upvalue of the chunk at `function` the `_ENV` that all chunks share.
void spacer_join_environment(lua_State *L, int function);
/// Adds the coroutine functions that let a host function's wait pass through, to the table on top.
void spacer_add_coroutine_functions(lua_State *L);
/// The global function `require`.
int spacer_require(lua_State *L);
/// Fills the shared globals; raises when memory is out. Runs on a thread other than the main one.
void spacer_open_sandbox(lua_State *L);

/// Lua's allocator; `context` is the host.
void *spacer_allocate(void *context, void *block, size_t old_size, size_t new_size);
/// Gives the chunks of small blocks back, after the state is closed.
void spacer_free_blocks(spacer_host *host);

/// Raises when the watchdog has condemned the run; for loops that no hook can end.
void spacer_check_stop(spacer_host *host, lua_State *L);
/// Replace the functions of the library table on top that could loop for ever in C.
void spacer_guard_string(lua_State *L);
void spacer_guard_table(lua_State *L);
void spacer_guard_math(lua_State *L);
/// Ends what a call's `math.randomseed` has set.
void spacer_forget_seed(spacer_host *host);

/// Pushes the globals in force: the running request's, or the generation's while a module loads.
void spacer_push_globals(lua_State *L);
