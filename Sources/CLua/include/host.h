// The edge between the runtime (Swift) and Lua. Everything that can raise a Lua error or yield lives on the
// C side of it: a Lua error is a longjmp and must never cross a Swift frame. Swift's callbacks use only API
// calls that cannot raise, and say what shall happen by their result.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "lua_api.h"

/// What a host function's callback asks for; zero or more is a count of results on top of the stack.
enum {
  /// Raise the value on top of the stack.
  SPACER_RAISE = -1,
  /// Park the coroutine; the loop resumes it with `spacer_resume`.
  SPACER_WAIT = -2,
  /// Raise the string on top of the stack, with the caller's position before it.
  SPACER_RAISE_AT = -3,
};

/// How a resumed call stopped.
enum {
  SPACER_DONE = 0,
  SPACER_PARKED = 1,
  SPACER_FAILED = 2,
};

/// What a match of a Lua pattern may take: `spend` is called with `context` for each `steps` of the matcher,
/// and raises when it is enough.
typedef struct {
  void (*spend)(void *context, lua_State *L, size_t steps);
  void *context;
} spacer_pattern_budget;

/// Blocks up to this size come from the allocator's own lists.
enum { SPACER_SMALL_BYTES_MAX = 512 };

/// A place in a compiled image.
typedef struct {
  /// The module's index in its generation, or a negative number: -1 not found, -2 a built-in module, whose
  /// number is then in `builtin`.
  int index;
  int builtin;
} spacer_module_place;

typedef struct {
  const char *bytes;
  size_t length;
  /// NUL-terminated, begins with '@'.
  const char *chunk_name;
} spacer_module_chunk;

/// The callbacks and the state one Lua state shares with its host. Zero-initialised by the owner, lives at
/// least as long as the Lua state, used on the worker's thread only.
typedef struct spacer_host {
  void *context;
  /// Runs host function `function` with its arguments on `L`'s stack (1 … top).
  int (*invoke)(void *context, lua_State *L, int function);
  /// Finds the module a `require` of `name` means. Names come normalised ('/' between parts).
  spacer_module_place (*find_module)(void *context, const char *name, size_t length);
  /// The bytecode of module `index` of the current generation.
  spacer_module_chunk (*module_chunk)(void *context, int index);
  /// Pushes the value of built-in module `builtin`; called once a state.
  void (*push_builtin)(void *context, lua_State *L, int builtin);
  /// One line of `print`.
  void (*print)(void *context, const char *line, size_t length);

  /// The state's main thread. Its stack holds the anchors below at fixed indexes.
  lua_State *main;
  /// The coroutine of the call that runs now, or NULL while none does.
  lua_State *current;
  /// Main-stack index of the globals in force.
  int globals_index;
  /// Main-stack index of the current generation's three tables: its loaded modules (index + 1 → value); then
  /// its shared globals, which module top levels write and requests read through to; then the metatable of
  /// its requests' globals tables.
  int loaded_index;
  /// Whether the running resume's yield came from a waiting host function.
  int is_waiting;
  /// Not 0 when the value given to the next resume is to be raised where the call waits: SPACER_RAISE or
  /// SPACER_RAISE_AT.
  int raises;
  /// A thread of the running chain of coroutines that cannot yield, or NULL.
  lua_State *blocked;
  /// Whether a call has set the seed of `math.random`.
  int is_seeded;
  /// Whether `math.random` begins each run with `fixed_seed` instead of a seed of its own.
  int has_fixed_seed;
  int64_t fixed_seed;
  /// How many module loads are in progress.
  int loading;

  /// The thread whose code runs: `current`, or a coroutine it resumed.
  lua_State *running;
  /// Bytes the Lua state holds.
  size_t memory_bytes;
  /// What it may hold while user code runs; no limit holds while host code does.
  size_t memory_bytes_max;
  /// Whether user code runs.
  int enforces_memory;
  /// What one run may add, for `memory_bytes_max` to be set at its begin.
  size_t run_memory_bytes;
  /// What the state held before the run's arguments were made; 0 when the run has none.
  size_t run_memory_base;
  /// Why the run that just ended failed: it was over its memory, over its processor time.
  int is_over_memory;
  int is_over_time;

  /// Small blocks by size, and the chunks they are carved from: the allocator's own.
  void *free_blocks[SPACER_SMALL_BYTES_MAX / 16];
  void *chunks;
  char *chunk_free;
  size_t chunk_left;

  /// Looks at `stop_requested`.
  spacer_pattern_budget pattern_budget;
  /// Set when the run shall end, for loops in C that look at it. Accessed atomically.
  int stop_requested;
  /// Odd while user code runs; counts its begins and ends. This and the next are accessed atomically.
  uint64_t slice;
  /// The slice that shall be stopped.
  uint64_t condemned_slice;
  /// Tells whether the watchdog sleeps and must be woken when user code begins; NULL without one.
  int *watchdog_sleeps;
  /// The eventfd that wakes it.
  int watchdog_wake_up;
  /// What runs may take when that is more than the watchdog's own budget; 0 for no more. Accessed atomically.
  uint64_t cpu_nanoseconds;
  /// Told of each line of a project's file that runs; NULL unless coverage is asked for.
  void (*count_line)(void *context, const char *source, int line);
} spacer_host;

// Fixed places on the main thread's stack.
enum {
  /// A Lua function whose only upvalue is the `_ENV` that all chunks share.
  SPACER_INDEX_ENVIRONMENT = 1,
  /// The library's globals, which nothing changes.
  SPACER_INDEX_BASE = 2,
  /// What `_G` is, and `_ENV` while a module loads: a table without fields of its own that stands for the
  /// globals in force at each access. So no code ever holds the shared globals themselves.
  SPACER_INDEX_GLOBALS = 3,
  /// Loaded built-in modules by number.
  SPACER_INDEX_BUILTINS = 4,
  /// The metatable that tags a table as a JSON array.
  SPACER_INDEX_ARRAY_META = 5,
  /// The thread on which module top levels run that no call asked for.
  SPACER_INDEX_LOADER = 6,
  /// The first free place.
  SPACER_INDEX_FREE = 7,
};

/// The numbers of the host functions behind `os.getenv`, `sleep` and `defer`.
enum { SPACER_FUNCTION_GETENV = 1, SPACER_FUNCTION_SLEEP = 2, SPACER_FUNCTION_DEFER = 3 };

/// Where `cjson.empty_array` points (`cjson.null` is the null pointer).
void *spacer_empty_array_address(void);

/// Makes a state with the sandboxed library. NULL when memory is out.
lua_State *spacer_host_open(spacer_host *host);
void spacer_host_close(spacer_host *host);

/// Pushes onto `L` a function that calls host function `number`; `name` is used in its error messages.
/// A negative number is host function `-number`, which may answer SPACER_WAIT.
void spacer_push_host_function(lua_State *L, int number, const char *name);
/// Pushes a read-only view of the table on top of the stack and removes the table.
void spacer_freeze(spacer_host *host, lua_State *L);

/// Runs the Lua text of a built-in module with the value on top of the main thread's stack as its argument,
/// and replaces that by what it returns; on failure by the error, and the result is not 0. `name` is the
/// chunk's, `=db`. What it sees as globals is the library.
int spacer_run_prelude(spacer_host *host, const char *text, size_t length, const char *name);

/// Makes the three tables of a generation at main-stack index `index` and the two after it.
void spacer_make_generation(spacer_host *host, int index, int module_count);
/// Makes the table on top, whose place a metatable is, read-only for user code.
void spacer_add_frozen_fields(lua_State *L);
/// Puts a new globals table for a request of the current generation at `index` of the main thread. Never a
/// used one: code may have kept its table.
void spacer_set_request_globals(spacer_host *host, int index);

/// Loads module `index` of the current generation, running its top level, unless it is loaded; on success
/// the value is on top of the main thread's stack and the result is 0, else the error value is.
int spacer_load_module(spacer_host *host, int index);

/// Runs `coroutine` with the globals table at main-stack index `globals`, passing the `arguments` values on
/// its stack. `from` is the coroutine whose host function asks for it, or NULL from the loop; what was
/// current before is current again afterwards. `raises`: see `spacer_host.raises`.
/// Returns SPACER_DONE with `*results` values on the coroutine's stack, SPACER_PARKED, or SPACER_FAILED with
/// the error on top.
int spacer_resume(spacer_host *host, lua_State *coroutine, lua_State *from, int globals, int arguments,
                  int raises, int *results);
/// Makes the calling thread the one whose user code `spacer_stop` interrupts; `host` is its own.
void spacer_watch_thread(spacer_host *host);
/// Number of the run in progress, even when none is. From any thread.
uint64_t spacer_slice(spacer_host *host);
/// `thread` is the run's pthread_t. Has the run of that number raise an error at its next instruction, over and over, so that no pcall keeps
/// it alive. From any thread; a run that has ended meanwhile is not touched.
void spacer_stop(spacer_host *host, unsigned long thread, uint64_t slice);
/// Sets what `spacer_host.watchdog_sleeps` points to, in order with what other threads do around it.
void spacer_watchdog_set_sleeps(int *sleeps, int value);

/// Lets runs take more processor time than the watchdog gives; 0 ends that.
void spacer_set_cpu_budget(spacer_host *host, uint64_t nanoseconds);
uint64_t spacer_cpu_budget(spacer_host *host);

/// Has `math.random` give the same numbers in each run that begins from now on.
void spacer_fix_seed(spacer_host *host, int64_t seed);
/// Ends that.
void spacer_free_seed(spacer_host *host);

/// Has each line that runs in a project's file counted. Before any call's coroutine is made.
void spacer_count_lines(spacer_host *host, void (*count)(void *context, const char *source, int line));

/// Pushes a module's main function, which is not run, onto `L`, or an error; the result is not 0 then.
int spacer_push_chunk(lua_State *L, spacer_module_chunk chunk);

/// Closes pending `<close>` variables of a failed or abandoned coroutine and makes it usable again.
void spacer_reset(spacer_host *host, lua_State *coroutine, int globals);
