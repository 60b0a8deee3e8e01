#include "csqlite.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#define FUNCTIONS(X)                                                                                      \
  X(sqlite3_open_v2) X(sqlite3_close_v2) X(sqlite3_interrupt) X(sqlite3_progress_handler)                 \
  X(sqlite3_set_authorizer) X(sqlite3_db_config) X(sqlite3_extended_result_codes)                         \
  X(sqlite3_prepare_v2) X(sqlite3_finalize) X(sqlite3_reset) X(sqlite3_step) X(sqlite3_stmt_readonly)     \
  X(sqlite3_clear_bindings) X(sqlite3_bind_parameter_count) X(sqlite3_bind_parameter_name)                \
  X(sqlite3_bind_null) X(sqlite3_bind_int64) X(sqlite3_bind_double) X(sqlite3_bind_text64)                \
  X(sqlite3_bind_blob64) X(sqlite3_bind_zeroblob) X(sqlite3_column_count) X(sqlite3_column_name)          \
  X(sqlite3_column_type) X(sqlite3_column_int64) X(sqlite3_column_double) X(sqlite3_column_blob)          \
  X(sqlite3_column_text) X(sqlite3_column_bytes) X(sqlite3_errmsg) X(sqlite3_extended_errcode)            \
  X(sqlite3_get_autocommit) X(sqlite3_changes64) X(sqlite3_total_changes64)                               \
  X(sqlite3_busy_timeout) X(sqlite3_last_insert_rowid) X(sqlite3_system_errno)

// One pointer a function, of the type that the header declares.
static struct {
#define MEMBER(name) __typeof__(&name) name;
  FUNCTIONS(MEMBER)
#undef MEMBER
} lite;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[512];

static void open_library(void) {
  void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(failure, sizeof failure, "SQLite's library is missing: install the Debian package libsqlite3-0 (%s)",
             dlerror());
    return;
  }
#define LOAD(name)                                                                                      \
  lite.name = (__typeof__(lite.name))dlsym(library, #name);                                            \
  if (lite.name == NULL) {                                                                              \
    snprintf(failure, sizeof failure, "SQLite's library is too old: it lacks " #name                    \
                                      "; install the Debian package libsqlite3-0, version 3.37 or later"); \
    return;                                                                                             \
  }
  FUNCTIONS(LOAD)
#undef LOAD
}

const char *spacer_sqlite_load(void) {
  pthread_once(&once, open_library);
  return failure[0] == '\0' ? NULL : failure;
}

/// How many steps of its machine a statement runs between two looks at the flag.
enum { PROGRESS_STEPS = 4096 };

static int look_at_flag(void *flag) { return __atomic_load_n((const int *)flag, __ATOMIC_RELAXED); }

/// A function may not reach other files; an empty name is VACUUM's own.
static int authorize(void *context, int action, const char *first, const char *second, const char *database,
                     const char *trigger) {
  (void)context, (void)second, (void)database, (void)trigger;
  if (action == SQLITE_ATTACH && (first == NULL || first[0] != '\0')) return SQLITE_DENY;
  return SQLITE_OK;
}

int spacer_sqlite_open(const char *path, sqlite3 **database, const int *is_cancelled) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  int status = lite.sqlite3_open_v2(path, database, flags, NULL);
  if (status != SQLITE_OK) return status;
  lite.sqlite3_extended_result_codes(*database, 1);
  lite.sqlite3_db_config(*database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  lite.sqlite3_set_authorizer(*database, authorize, NULL);
  lite.sqlite3_progress_handler(*database, PROGRESS_STEPS, look_at_flag, (void *)is_cancelled);
  return SQLITE_OK;
}

int spacer_sqlite_open_log(const char *path, sqlite3 **database, int busy_milliseconds) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int status = lite.sqlite3_open_v2(path, database, flags, NULL);
  if (status != SQLITE_OK) return status;
  lite.sqlite3_extended_result_codes(*database, 1);
  lite.sqlite3_db_config(*database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  return lite.sqlite3_busy_timeout(*database, busy_milliseconds);
}

void spacer_sqlite_close(sqlite3 *database) { lite.sqlite3_close_v2(database); }
void spacer_sqlite_interrupt(sqlite3 *database) { lite.sqlite3_interrupt(database); }
void spacer_sqlite_set_flag(int *flag, int value) { __atomic_store_n(flag, value, __ATOMIC_RELAXED); }
int spacer_sqlite_flag(const int *flag) { return __atomic_load_n(flag, __ATOMIC_RELAXED); }

int spacer_sqlite_prepare(sqlite3 *database, const char *sql, int length, sqlite3_stmt **statement,
                          const char **tail) {
  return lite.sqlite3_prepare_v2(database, sql, length, statement, tail);
}
void spacer_sqlite_finalize(sqlite3_stmt *statement) { lite.sqlite3_finalize(statement); }

int spacer_sqlite_reset(sqlite3_stmt *statement) {
  int status = lite.sqlite3_reset(statement);
  lite.sqlite3_clear_bindings(statement);
  return status;
}

int spacer_sqlite_step(sqlite3_stmt *statement) { return lite.sqlite3_step(statement); }
int spacer_sqlite_is_readonly(sqlite3_stmt *statement) { return lite.sqlite3_stmt_readonly(statement); }
int spacer_sqlite_bind_parameter_count(sqlite3_stmt *statement) {
  return lite.sqlite3_bind_parameter_count(statement);
}
const char *spacer_sqlite_bind_parameter_name(sqlite3_stmt *statement, int index) {
  return lite.sqlite3_bind_parameter_name(statement, index);
}
int spacer_sqlite_bind_null(sqlite3_stmt *statement, int index) {
  return lite.sqlite3_bind_null(statement, index);
}
int spacer_sqlite_bind_int64(sqlite3_stmt *statement, int index, long long value) {
  return lite.sqlite3_bind_int64(statement, index, value);
}
int spacer_sqlite_bind_double(sqlite3_stmt *statement, int index, double value) {
  return lite.sqlite3_bind_double(statement, index, value);
}
int spacer_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, unsigned long length) {
  // A null pointer would bind NULL.
  return lite.sqlite3_bind_text64(statement, index, text == NULL ? "" : text, length, SQLITE_TRANSIENT,
                                  SQLITE_UTF8);
}
int spacer_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, unsigned long length) {
  if (length == 0) return lite.sqlite3_bind_zeroblob(statement, index, 0);
  return lite.sqlite3_bind_blob64(statement, index, bytes, length, SQLITE_TRANSIENT);
}
int spacer_sqlite_bind_borrowed_text(sqlite3_stmt *statement, int index, const void *text,
                                     unsigned long length) {
  return lite.sqlite3_bind_text64(statement, index, text == NULL ? "" : text, length, SQLITE_STATIC,
                                  SQLITE_UTF8);
}
int spacer_sqlite_column_count(sqlite3_stmt *statement) { return lite.sqlite3_column_count(statement); }
const char *spacer_sqlite_column_name(sqlite3_stmt *statement, int column) {
  return lite.sqlite3_column_name(statement, column);
}
int spacer_sqlite_column_type(sqlite3_stmt *statement, int column) {
  return lite.sqlite3_column_type(statement, column);
}
long long spacer_sqlite_column_int64(sqlite3_stmt *statement, int column) {
  return lite.sqlite3_column_int64(statement, column);
}
double spacer_sqlite_column_double(sqlite3_stmt *statement, int column) {
  return lite.sqlite3_column_double(statement, column);
}
const void *spacer_sqlite_column_bytes(sqlite3_stmt *statement, int column, int *length) {
  const void *bytes = lite.sqlite3_column_type(statement, column) == SQLITE_BLOB
                          ? lite.sqlite3_column_blob(statement, column)
                          : (const void *)lite.sqlite3_column_text(statement, column);
  *length = bytes == NULL ? 0 : lite.sqlite3_column_bytes(statement, column);
  return bytes;
}

const char *spacer_sqlite_errmsg(sqlite3 *database) { return lite.sqlite3_errmsg(database); }
int spacer_sqlite_extended_errcode(sqlite3 *database) { return lite.sqlite3_extended_errcode(database); }
int spacer_sqlite_is_autocommit(sqlite3 *database) { return lite.sqlite3_get_autocommit(database); }
long long spacer_sqlite_changes(sqlite3 *database) { return lite.sqlite3_changes64(database); }
long long spacer_sqlite_total_changes(sqlite3 *database) { return lite.sqlite3_total_changes64(database); }
long long spacer_sqlite_last_insert_rowid(sqlite3 *database) { return lite.sqlite3_last_insert_rowid(database); }
int spacer_sqlite_system_errno(sqlite3 *database) { return lite.sqlite3_system_errno(database); }
