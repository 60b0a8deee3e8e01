// What the compiler needs of Lua: source text to bytecode, and the gateway's evaluation in a sandbox.
// Nothing here raises into its caller: every entry point returns a status, and every Lua error stays inside
// a protected call made in build_sandbox.c or gateway_sandbox.c.
#pragma once
#include <stddef.h>
#include <stdint.h>

// ---- Bytecode ----

// One Lua state without libraries that only compiles. For one thread at a time.
typedef struct spacer_bytecode_compiler spacer_bytecode_compiler;

enum {
  SPACER_COMPILED = 0,
  SPACER_COMPILE_REJECTED = 1,  // the message is Lua's own, `path:line: …`
  SPACER_COMPILE_NO_MEMORY = 2,
  SPACER_COMPILE_UPVALUES = 3,  // the chunk has other upvalues than one `_ENV`
};

// Returns NULL when memory is out.
spacer_bytecode_compiler *spacer_bytecode_compiler_new(void);
void spacer_bytecode_compiler_free(spacer_bytecode_compiler *compiler);
// Compiles `text` under `chunk_name` (`@app/foo.lua`, ended by NUL). `out` is the binary chunk, or the
// message of a rejection; it belongs to the compiler and holds until its next call.
int spacer_bytecode_compile(
    spacer_bytecode_compiler *compiler, const char *text, size_t text_bytes, const char *chunk_name,
    const char **out, size_t *out_bytes);

// ---- The gateway's sandbox ----

typedef struct spacer_sandbox spacer_sandbox;

// Finds the module that `require` names and hands it over with spacer_sandbox_provide or
// spacer_sandbox_refuse before it returns. Must not call Lua. A NULL name asks for the gateway itself.
typedef void (*spacer_sandbox_find)(
    void *context, spacer_sandbox *sandbox, const char *name, size_t name_bytes);

enum {
  SPACER_SANDBOX_DONE = 0,
  SPACER_SANDBOX_RAISED = 1,
  SPACER_SANDBOX_NO_MEMORY = 2,
  SPACER_SANDBOX_NO_INSTRUCTIONS = 3,
};

// `prelude` is Lua text that builds the sandbox's globals; it stays readable until the sandbox is freed.
// Returns NULL when memory is out.
spacer_sandbox *spacer_sandbox_new(
    size_t memory_bytes_max, uint64_t instructions_max, const char *prelude, size_t prelude_bytes,
    spacer_sandbox_find find, void *context);
void spacer_sandbox_free(spacer_sandbox *sandbox);

// Called from within `find` only. The text and name are copied. A wrapped text is a chunk that takes the
// marking function and returns the module's chunk as a function.
void spacer_sandbox_provide(
    spacer_sandbox *sandbox, const char *text, size_t text_bytes, const char *chunk_name, int is_wrapped);
void spacer_sandbox_refuse(spacer_sandbox *sandbox, const char *message, size_t message_bytes);

// Evaluates the gateway once. When done, its value lies at index 1 of spacer_sandbox_state, for reading
// with calls that never raise (lua_type, lua_rawgeti, lua_next, lua_tolstring of a string).
int spacer_sandbox_run(spacer_sandbox *sandbox);
struct lua_State *spacer_sandbox_state(spacer_sandbox *sandbox);
// The mark of the table at `index`: the id its constructor was given, and the line of the gateway's own
// chunk that was running then (0 when none was). Returns 0 when the table has no mark.
int spacer_sandbox_mark(spacer_sandbox *sandbox, int index, int64_t *id, int *gateway_line);

// The last failure: the message without its position, and the frames of project files, innermost first.
const char *spacer_sandbox_message(const spacer_sandbox *sandbox);
int spacer_sandbox_frame_count(const spacer_sandbox *sandbox);
const char *spacer_sandbox_frame_path(const spacer_sandbox *sandbox, int frame);
int spacer_sandbox_frame_line(const spacer_sandbox *sandbox, int frame);
