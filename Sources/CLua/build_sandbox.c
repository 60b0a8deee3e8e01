// Source text to bytecode. The state allocates from an arena and never collects: compiling makes little
// garbage, and dropping the whole arena once in a while is far cheaper than a collector's marking. Strings
// interned by one module serve the next until then. The arena's blocks are used again, so that it stays in
// the processor's cache and costs no page faults.
#include "build_sandbox.h"

#include <stdlib.h>
#include <string.h>

#include "clua.h"

#define BLOCK_BYTES ((size_t)1 << 20)
#define ARENA_KEEP_BYTES ((size_t)3 << 20)   // past this the state is dropped between two modules
#define ARENA_MAX_BYTES ((size_t)1 << 30)    // past this one module counts as too large

typedef struct block {
  struct block *next;
  size_t capacity;
  size_t used;
  _Alignas(16) char bytes[];
} block;

struct spacer_bytecode_compiler {
  lua_State *L;
  block *blocks;       // in use, newest first
  block *spare;        // of BLOCK_BYTES each, free
  size_t total_bytes;  // capacity of the blocks in use
  char *out;
  size_t out_bytes, out_capacity;
  int is_out_of_memory;
};

static size_t rounded(size_t bytes) { return (bytes + 15) & ~(size_t)15; }

static void *arena_take(spacer_bytecode_compiler *c, size_t bytes) {
  bytes = rounded(bytes);
  block *b = c->blocks;
  if (b == NULL || b->capacity - b->used < bytes) {
    size_t capacity = bytes > BLOCK_BYTES / 4 ? bytes : BLOCK_BYTES;
    if (capacity > ARENA_MAX_BYTES - c->total_bytes) return NULL;
    block *fresh = capacity == BLOCK_BYTES ? c->spare : NULL;
    if (fresh != NULL) {
      c->spare = fresh->next;
    } else {
      fresh = malloc(sizeof(block) + capacity);
      if (fresh == NULL) return NULL;
    }
    fresh->capacity = capacity;
    fresh->used = 0;
    c->total_bytes += capacity;
    if (b != NULL && capacity != BLOCK_BYTES) {
      // A block of its own for a large piece: keep filling the current one.
      fresh->next = b->next;
      b->next = fresh;
    } else {
      fresh->next = b;
      c->blocks = fresh;
    }
    b = fresh;
  }
  void *p = b->bytes + b->used;
  b->used += bytes;
  return p;
}

static void *arena_allocate(void *context, void *old, size_t old_bytes, size_t new_bytes) {
  spacer_bytecode_compiler *c = context;
  if (new_bytes == 0) return NULL;
  if (old == NULL) return arena_take(c, new_bytes);
  if (rounded(new_bytes) <= rounded(old_bytes)) return old;
  block *b = c->blocks;
  if (b != NULL && (char *)old + rounded(old_bytes) == b->bytes + b->used) {
    // The newest piece grows where it is.
    size_t more = rounded(new_bytes) - rounded(old_bytes);
    if (b->capacity - b->used >= more) {
      b->used += more;
      return old;
    }
  }
  void *fresh = arena_take(c, new_bytes);
  if (fresh != NULL) memcpy(fresh, old, old_bytes);
  return fresh;
}

static void drop_state(spacer_bytecode_compiler *c) {
  c->L = NULL;  // never closed: all its memory is the arena's
  size_t kept = 0;
  while (c->blocks != NULL) {
    block *b = c->blocks;
    c->blocks = b->next;
    if (b->capacity == BLOCK_BYTES && kept < 2 * ARENA_KEEP_BYTES) {
      kept += b->capacity;
      b->next = c->spare;
      c->spare = b;
    } else {
      free(b);
    }
  }
  c->total_bytes = 0;
}

spacer_bytecode_compiler *spacer_bytecode_compiler_new(void) {
  return calloc(1, sizeof(spacer_bytecode_compiler));
}

void spacer_bytecode_compiler_free(spacer_bytecode_compiler *c) {
  if (c == NULL) return;
  drop_state(c);
  while (c->spare != NULL) {
    block *b = c->spare;
    c->spare = b->next;
    free(b);
  }
  free(c->out);
  free(c);
}

const char *spacer_bytecode_lua_release(void) { return LUA_RELEASE; }

static int append(lua_State *L, const void *piece, size_t bytes, void *context) {
  (void)L;
  spacer_bytecode_compiler *c = context;
  if (c->out_capacity - c->out_bytes < bytes) {
    size_t capacity = c->out_capacity < 4096 ? 4096 : c->out_capacity * 2;
    while (capacity - c->out_bytes < bytes) capacity *= 2;
    char *grown = realloc(c->out, capacity);
    if (grown == NULL) return c->is_out_of_memory = 1;
    c->out = grown;
    c->out_capacity = capacity;
  }
  memcpy(c->out + c->out_bytes, piece, bytes);
  c->out_bytes += bytes;
  return 0;
}

static int has_only_env(lua_State *L) {
  const char *first = lua_getupvalue(L, -1, 1);
  int is_env = first != NULL && strcmp(first, "_ENV") == 0;
  if (first != NULL) lua_pop(L, 1);
  const char *second = lua_getupvalue(L, -1, 2);
  if (second != NULL) lua_pop(L, 1);
  return is_env && second == NULL;
}

int spacer_bytecode_compile(
    spacer_bytecode_compiler *c, const char *text, size_t text_bytes, const char *chunk_name,
    const char **out, size_t *out_bytes) {
  *out = "";
  *out_bytes = 0;
  if (c->L != NULL && c->total_bytes > ARENA_KEEP_BYTES) drop_state(c);
  if (c->L == NULL) {
    c->L = lua_newstate(arena_allocate, c);
    if (c->L == NULL) {
      drop_state(c);
      return SPACER_COMPILE_NO_MEMORY;
    }
    lua_gc(c->L, LUA_GCSTOP);
  }
  lua_State *L = c->L;
  c->out_bytes = 0;
  c->is_out_of_memory = 0;
  int status = luaL_loadbufferx(L, text, text_bytes, chunk_name, "t");
  int result = SPACER_COMPILED;
  if (status == LUA_ERRMEM) {
    drop_state(c);
    return SPACER_COMPILE_NO_MEMORY;
  }
  if (status != LUA_OK) {
    size_t bytes = 0;
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &bytes) : "";
    append(L, message, bytes, c);
    result = SPACER_COMPILE_REJECTED;
  } else if (!has_only_env(L)) {
    result = SPACER_COMPILE_UPVALUES;
  } else {
    lua_dump(L, append, c, 0);
  }
  lua_settop(L, 0);
  if (c->is_out_of_memory) return SPACER_COMPILE_NO_MEMORY;
  *out = c->out != NULL ? c->out : "";
  *out_bytes = c->out_bytes;
  return result;
}
