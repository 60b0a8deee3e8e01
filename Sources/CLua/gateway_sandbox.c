// The gateway's sandbox: one Lua state with bounded memory and instructions that evaluates app/gateway.lua
// once. Host functions that raise live here, in C, so that no Lua error crosses a Swift frame.
//
// The collector stays off: weak tables and finalizers would make a result depend on when it runs. Memory
// therefore means all that was ever allocated and not given back by growing; a bound once passed, memory or
// instructions, fails the whole run even when the code catches the error.
#include "build_sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clua.h"
#include "patterns.h"

#define HOOK_STEP 1000  // instructions between two looks at the budget
#define FRAMES_MAX 16
#define PATH_BYTES_MAX 1024
#define PRELUDE_NAME "[sandbox]"

typedef struct {
  char path[PATH_BYTES_MAX];
  int line;
} frame;

struct spacer_sandbox {
  lua_State *L;
  size_t memory_used, memory_max;
  uint64_t instructions_used, instructions_max;
  int is_out_of_memory, is_out_of_instructions;
  spacer_pattern_budget pattern_budget;
  const char *prelude;
  size_t prelude_bytes;
  spacer_sandbox_find find;
  void *context;
  // What `find` handed over for the module asked for last.
  char *text, *chunk_name;
  size_t text_bytes;
  int is_wrapped, is_provided;
  char *gateway_chunk_name;
  char *message;
  frame frames[FRAMES_MAX];
  int frame_count;
};

static const char loaded_key, marks_key, loading_mark;

static void collect_frames(lua_State *L, spacer_sandbox *s);

// No message handler runs for this error, so the frames are taken here; nothing of that allocates.
static void *out_of_memory(spacer_sandbox *s) {
  if (!s->is_out_of_memory && s->L != NULL) collect_frames(s->L, s);
  s->is_out_of_memory = 1;
  return NULL;
}

static void *bounded_allocate(void *context, void *old, size_t old_bytes, size_t new_bytes) {
  spacer_sandbox *s = context;
  if (old == NULL) old_bytes = 0;  // Lua passes a type tag there
  if (new_bytes == 0) {
    free(old);
    s->memory_used -= old_bytes;
    return NULL;
  }
  if (new_bytes > old_bytes && new_bytes - old_bytes > s->memory_max - s->memory_used)
    return out_of_memory(s);
  void *p = realloc(old, new_bytes);
  if (p == NULL) return out_of_memory(s);
  s->memory_used = s->memory_used - old_bytes + new_bytes;
  return p;
}

static spacer_sandbox *sandbox_of(lua_State *L) {
  void *context;
  lua_getallocf(L, &context);
  return context;
}

static void charge(lua_State *L, spacer_sandbox *s, uint64_t instructions) {
  s->instructions_used += instructions;
  if (s->instructions_used < s->instructions_max) return;
  // The place is taken here: the code may catch the error, and go far from it before the next.
  if (!s->is_out_of_instructions) collect_frames(L, s);
  s->is_out_of_instructions = 1;
  lua_pushliteral(L, "too many instructions");
  lua_error(L);
}

// Steps of the pattern matcher, which no hook sees.
static void charge_steps(void *context, lua_State *L, size_t steps) { charge(L, context, steps); }

static void count_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  spacer_sandbox *s = sandbox_of(L);
  if (s->is_out_of_instructions) {
    charge(L, s, 1);
  } else if (s->instructions_used + HOOK_STEP >= s->instructions_max) {
    // From here on every instruction raises, so that catching the error does not help.
    lua_sethook(L, count_hook, LUA_MASKCOUNT, 1);
    charge(L, s, HOOK_STEP);
  } else {
    s->instructions_used += HOOK_STEP;
  }
}

// ---- Functions the prelude and the wrapped modules use ----

// charge(n): counts n instructions for work that no hook sees.
static int host_charge(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  charge(L, sandbox_of(L), n > 0 ? (uint64_t)n : 0);
  return 0;
}

// less(a, b): compares two strings by bytes, whatever the locale.
static int host_less(lua_State *L) {
  size_t a_bytes, b_bytes;
  const char *a = luaL_checklstring(L, 1, &a_bytes);
  const char *b = luaL_checklstring(L, 2, &b_bytes);
  int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
  lua_pushboolean(L, order != 0 ? order < 0 : a_bytes < b_bytes);
  return 1;
}

// metafield(value, name): the field of its metatable, even of a protected one.
static int host_metafield(lua_State *L) {
  luaL_checkany(L, 1);
  if (luaL_getmetafield(L, 1, luaL_checkstring(L, 2)) == LUA_TNIL) lua_pushnil(L);
  return 1;
}

static int gateway_line(lua_State *L, const spacer_sandbox *s) {
  lua_Debug ar;
  int line = 0;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (s->gateway_chunk_name != NULL && strcmp(ar.source, s->gateway_chunk_name) == 0)
      line = ar.currentline;
  }
  return line;
}

// mark(t, id): remembers where the table was made, returns it.
static int host_mark(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer id = luaL_checkinteger(L, 2);
  lua_settop(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &marks_key);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, (id << 32) | (lua_Integer)gateway_line(L, sandbox_of(L)));
  lua_rawset(L, 2);
  lua_settop(L, 1);
  return 1;
}

static void forget_module(spacer_sandbox *s) {
  free(s->text);
  free(s->chunk_name);
  s->text = s->chunk_name = NULL;
  s->is_provided = 0;
}

// Loads the module that was provided last and calls it with `name` on the stack's top; leaves its value.
static void run_module(lua_State *L, spacer_sandbox *s) {
  int status = luaL_loadbufferx(L, s->text, s->text_bytes, s->chunk_name, "t");
  int is_wrapped = s->is_wrapped;
  forget_module(s);
  if (status != LUA_OK) lua_error(L);
  if (is_wrapped) {
    lua_pushcfunction(L, host_mark);
    lua_call(L, 1, 1);
  }
  lua_insert(L, -2);
  lua_call(L, 1, 1);
}

static int host_require(lua_State *L) {
  spacer_sandbox *s = sandbox_of(L);
  size_t name_bytes;
  const char *name = luaL_checklstring(L, 1, &name_bytes);
  lua_settop(L, 1);
  forget_module(s);
  s->find(s->context, s, name, name_bytes);
  if (!s->is_provided) {
    lua_pushstring(L, s->message != NULL ? s->message : "module not found");
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
    return lua_error(L);
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
  lua_pushstring(L, s->chunk_name);  // 3: the key
  lua_pushvalue(L, 3);
  if (lua_rawget(L, 2) == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == (void *)&loading_mark)
    return luaL_error(L, "module '%s' requires itself while it loads", name);
  if (!lua_isnil(L, -1)) return 1;
  lua_pop(L, 1);
  lua_pushvalue(L, 3);
  lua_pushlightuserdata(L, (void *)&loading_mark);
  lua_rawset(L, 2);
  lua_pushvalue(L, 1);
  run_module(L, s);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
  }
  lua_pushvalue(L, 3);
  lua_pushvalue(L, -2);
  lua_rawset(L, 2);
  return 1;
}

// ---- The run ----

static void open_library(lua_State *L, const char *name, lua_CFunction open) {
  lua_pushcfunction(L, open);
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
  lua_setfield(L, -2, name);
}

static void add_function(lua_State *L, const char *name, lua_CFunction function) {
  lua_pushcfunction(L, function);
  lua_setfield(L, -2, name);
}

static int main_function(lua_State *L) {
  spacer_sandbox *s = sandbox_of(L);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &marks_key);

  if (luaL_loadbufferx(L, s->prelude, s->prelude_bytes, "=" PRELUDE_NAME, "t") != LUA_OK) lua_error(L);
  lua_newtable(L);
  open_library(L, "base", luaopen_base);
  open_library(L, "string", luaopen_string);
  lua_getfield(L, -1, "string");
  spacer_add_pattern_functions(L, &s->pattern_budget);
  lua_pop(L, 1);
  open_library(L, "table", luaopen_table);
  open_library(L, "math", luaopen_math);
  open_library(L, "utf8", luaopen_utf8);
  open_library(L, "coroutine", luaopen_coroutine);
  add_function(L, "charge", host_charge);
  add_function(L, "less", host_less);
  add_function(L, "metafield", host_metafield);
  add_function(L, "require", host_require);
  lua_call(L, 1, 1);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);

  s->find(s->context, s, NULL, 0);
  if (!s->is_provided) return luaL_error(L, "%s", s->message != NULL ? s->message : "no gateway");
  s->gateway_chunk_name = strdup(s->chunk_name);
  lua_sethook(L, count_hook, LUA_MASKCOUNT, HOOK_STEP);
  lua_pushliteral(L, "gateway");
  run_module(L, s);
  return 1;
}

static void set_message(spacer_sandbox *s, const char *message, size_t bytes) {
  free(s->message);
  s->message = malloc(bytes + 1);
  if (s->message == NULL) return;
  memcpy(s->message, message, bytes);
  s->message[bytes] = 0;
}

// Removes `path:line: ` when it is the position of `ar`.
static int strip_position(spacer_sandbox *s, const lua_Debug *ar) {
  char prefix[LUA_IDSIZE + 32];
  int bytes = snprintf(prefix, sizeof(prefix), "%s:%d: ", ar->short_src, ar->currentline);
  if (s->message == NULL || bytes <= 0 || strncmp(s->message, prefix, (size_t)bytes) != 0) return 0;
  memmove(s->message, s->message + bytes, strlen(s->message + bytes) + 1);
  return 1;
}

// Removes a position in the prelude: its functions speak for the code that calls them.
static void strip_prelude_position(spacer_sandbox *s) {
  size_t bytes = strlen(PRELUDE_NAME);
  if (s->message == NULL || strncmp(s->message, PRELUDE_NAME ":", bytes + 1) != 0) return;
  bytes += 1 + strspn(s->message + bytes + 1, "0123456789");
  if (strncmp(s->message + bytes, ": ", 2) != 0) return;
  memmove(s->message, s->message + bytes + 2, strlen(s->message + bytes + 2) + 1);
}

// Keeps the frames of project files; a message that names one of them loses its position to it.
static void collect_frames(lua_State *L, spacer_sandbox *s) {
  s->frame_count = 0;
  int is_stripped = 0;
  lua_Debug ar;
  for (int level = 0; s->frame_count < FRAMES_MAX && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.source[0] != '@' || ar.currentline <= 0) continue;
    if (!is_stripped && strip_position(s, &ar)) {
      // `error(message, 2)` blames a caller: what lies below it is no part of the story.
      is_stripped = 1;
      s->frame_count = 0;
    }
    frame *f = &s->frames[s->frame_count++];
    strncpy(f->path, ar.source + 1, PATH_BYTES_MAX - 1);
    f->path[PATH_BYTES_MAX - 1] = 0;
    f->line = ar.currentline;
  }
}

// Runs where the error was raised: keeps its message and the frames of project files.
static int message_handler(lua_State *L) {
  spacer_sandbox *s = sandbox_of(L);
  size_t bytes;
  const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &bytes) : NULL;
  if (text != NULL) {
    set_message(s, text, bytes);
  } else {
    const char *kind = luaL_typename(L, 1);
    set_message(s, "the error value is a ", 21);
    char *grown = s->message != NULL ? realloc(s->message, 21 + strlen(kind) + 1) : NULL;
    if (grown != NULL) s->message = strcat(grown, kind);
  }
  strip_prelude_position(s);
  if (!s->is_out_of_instructions) collect_frames(L, s);
  return 1;
}

spacer_sandbox *spacer_sandbox_new(
    size_t memory_bytes_max, uint64_t instructions_max, const char *prelude, size_t prelude_bytes,
    spacer_sandbox_find find, void *context) {
  spacer_sandbox *s = calloc(1, sizeof(spacer_sandbox));
  if (s == NULL) return NULL;
  s->memory_max = memory_bytes_max;
  s->instructions_max = instructions_max;
  s->prelude = prelude;
  s->prelude_bytes = prelude_bytes;
  s->find = find;
  s->context = context;
  s->pattern_budget.spend = charge_steps;
  s->pattern_budget.context = s;
  s->L = lua_newstate(bounded_allocate, s);
  if (s->L == NULL) {
    free(s);
    return NULL;
  }
  lua_gc(s->L, LUA_GCSTOP);
  return s;
}

void spacer_sandbox_free(spacer_sandbox *s) {
  if (s == NULL) return;
  lua_close(s->L);
  forget_module(s);
  free(s->gateway_chunk_name);
  free(s->message);
  free(s);
}

void spacer_sandbox_provide(
    spacer_sandbox *s, const char *text, size_t text_bytes, const char *chunk_name, int is_wrapped) {
  s->text = malloc(text_bytes > 0 ? text_bytes : 1);
  s->chunk_name = strdup(chunk_name);
  if (s->text == NULL || s->chunk_name == NULL) return;
  memcpy(s->text, text, text_bytes);
  s->text_bytes = text_bytes;
  s->is_wrapped = is_wrapped;
  s->is_provided = 1;
}

void spacer_sandbox_refuse(spacer_sandbox *s, const char *message, size_t message_bytes) {
  set_message(s, message, message_bytes);
}

int spacer_sandbox_run(spacer_sandbox *s) {
  lua_State *L = s->L;
  lua_settop(L, 0);
  lua_pushcfunction(L, message_handler);
  lua_pushcfunction(L, main_function);
  int status = lua_pcall(L, 0, 1, 1);
  lua_sethook(L, NULL, 0, 0);
  lua_remove(L, 1);
  if (s->is_out_of_memory || status == LUA_ERRMEM) return SPACER_SANDBOX_NO_MEMORY;
  if (s->is_out_of_instructions) return SPACER_SANDBOX_NO_INSTRUCTIONS;
  return status == LUA_OK ? SPACER_SANDBOX_DONE : SPACER_SANDBOX_RAISED;
}

lua_State *spacer_sandbox_state(spacer_sandbox *s) { return s->L; }

int spacer_sandbox_mark(spacer_sandbox *s, int index, int64_t *id, int *line) {
  lua_State *L = s->L;
  index = lua_absindex(L, index);
  if (!lua_checkstack(L, 2)) return 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &marks_key);
  lua_pushvalue(L, index);
  int is_marked = lua_rawget(L, -2) == LUA_TNUMBER;
  lua_Integer mark = lua_tointegerx(L, -1, NULL);
  lua_pop(L, 2);
  *id = mark >> 32;
  *line = (int)(mark & 0x7FFFFFFF);
  return is_marked;
}

const char *spacer_sandbox_message(const spacer_sandbox *s) { return s->message != NULL ? s->message : ""; }
int spacer_sandbox_frame_count(const spacer_sandbox *s) { return s->frame_count; }
const char *spacer_sandbox_frame_path(const spacer_sandbox *s, int frame) { return s->frames[frame].path; }
int spacer_sandbox_frame_line(const spacer_sandbox *s, int frame) { return s->frames[frame].line; }
