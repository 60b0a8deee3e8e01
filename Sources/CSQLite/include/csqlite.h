// SQLite, opened at run time: an application without it does not load it. Each function here is the one of
// SQLite with the same name; all but `spacer_sqlite_load` may be called only after that succeeded. A
// connection is used from one thread at a time, but for `spacer_sqlite_interrupt`.
#pragma once
#include <sqlite3.h>

/// Opens the library, once a process. NULL on success, else why it cannot be used. From any thread.
const char *spacer_sqlite_load(void);

/// Opens a database for one thread at a time, with what leads out of the file shut: no ATTACH, no VACUUM
/// INTO, no extensions, no writing of the schema table. While `*is_cancelled`, read atomically, is not 0 its
/// statements end with SQLITE_INTERRUPT. On failure `*database` may have to be closed all the same.
int spacer_sqlite_open(const char *path, sqlite3 **database, const int *is_cancelled);
/// Opens a database that only our own statements use, for one thread at a time. A statement waits so long for
/// another connection's lock. On failure `*database` may have to be closed all the same.
int spacer_sqlite_open_log(const char *path, sqlite3 **database, int busy_milliseconds);
void spacer_sqlite_close(sqlite3 *database);
void spacer_sqlite_interrupt(sqlite3 *database);
void spacer_sqlite_set_flag(int *flag, int value);
int spacer_sqlite_flag(const int *flag);

int spacer_sqlite_prepare(sqlite3 *database, const char *sql, int length, sqlite3_stmt **statement,
                          const char **tail);
void spacer_sqlite_finalize(sqlite3_stmt *statement);
int spacer_sqlite_reset(sqlite3_stmt *statement);
int spacer_sqlite_step(sqlite3_stmt *statement);
int spacer_sqlite_is_readonly(sqlite3_stmt *statement);
int spacer_sqlite_bind_parameter_count(sqlite3_stmt *statement);
const char *spacer_sqlite_bind_parameter_name(sqlite3_stmt *statement, int index);
int spacer_sqlite_bind_null(sqlite3_stmt *statement, int index);
int spacer_sqlite_bind_int64(sqlite3_stmt *statement, int index, long long value);
int spacer_sqlite_bind_double(sqlite3_stmt *statement, int index, double value);
/// The bytes are copied.
int spacer_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, unsigned long length);
int spacer_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, unsigned long length);
/// The bytes are not copied: they must stay until the statement is reset or the parameter is bound anew.
int spacer_sqlite_bind_borrowed_text(sqlite3_stmt *statement, int index, const void *text,
                                     unsigned long length);
int spacer_sqlite_column_count(sqlite3_stmt *statement);
const char *spacer_sqlite_column_name(sqlite3_stmt *statement, int column);
int spacer_sqlite_column_type(sqlite3_stmt *statement, int column);
long long spacer_sqlite_column_int64(sqlite3_stmt *statement, int column);
double spacer_sqlite_column_double(sqlite3_stmt *statement, int column);
/// The bytes of a text or a blob; valid until the next step.
const void *spacer_sqlite_column_bytes(sqlite3_stmt *statement, int column, int *length);

const char *spacer_sqlite_errmsg(sqlite3 *database);
/// The extended result code of the last failure.
int spacer_sqlite_extended_errcode(sqlite3 *database);
int spacer_sqlite_is_autocommit(sqlite3 *database);
long long spacer_sqlite_changes(sqlite3 *database);
long long spacer_sqlite_total_changes(sqlite3 *database);
long long spacer_sqlite_last_insert_rowid(sqlite3 *database);
/// The errno of the last system call that failed.
int spacer_sqlite_system_errno(sqlite3 *database);
