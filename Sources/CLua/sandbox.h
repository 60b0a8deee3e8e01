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
