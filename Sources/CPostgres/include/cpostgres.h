// libpq, opened at run time: an application without PostgreSQL loads none of its libraries. Each function
// here is the one of libpq with the same name in snake case; all but `spacer_pq_open` may be called only
// after that succeeded. A connection is used from one thread at a time.
#pragma once
#include <postgresql/libpq-fe.h>

/// Opens the library, once a process. NULL on success, else why it cannot be used. From any thread.
const char *spacer_pq_open(void);

PGconn *spacer_pq_connect_start(const char *const *keywords, const char *const *values);
int spacer_pq_connect_poll(PGconn *connection);
int spacer_pq_is_ok(const PGconn *connection);
/// A PGTransactionStatusType.
int spacer_pq_transaction_status(const PGconn *connection);
int spacer_pq_socket(const PGconn *connection);
const char *spacer_pq_error_message(const PGconn *connection);
void spacer_pq_finish(PGconn *connection);
/// Makes sends non-blocking and keeps notices off standard error; `*is_ending`, which must outlive the connection,
/// becomes 1 when the server says that it ends it while it is idle.
int spacer_pq_prepare_connection(PGconn *connection, int *is_ending);

int spacer_pq_send_query(PGconn *connection, const char *query);
int spacer_pq_send_prepare(PGconn *connection, const char *name, const char *query, int count,
                           const Oid *types);
int spacer_pq_send_query_params(PGconn *connection, const char *query, int count, const Oid *types,
                                const char *const *values, const int *lengths, const int *formats);
int spacer_pq_send_query_prepared(PGconn *connection, const char *name, int count, const char *const *values,
                                  const int *lengths, const int *formats);
int spacer_pq_set_single_row_mode(PGconn *connection);
int spacer_pq_flush(PGconn *connection);
/// Reads what there is and drops notifications. 0 when the connection is lost.
int spacer_pq_consume_input(PGconn *connection);
/// Reads what there is and keeps notifications for `spacer_pq_take_notification`. 0 when the connection is lost.
int spacer_pq_read_input(PGconn *connection);
/// Takes the oldest notification and writes its channel's name, cut to `size` bytes with the NUL. 0 when there is
/// none.
int spacer_pq_take_notification(PGconn *connection, char *channel, int size);
/// As `spacer_pq_send_query_prepared`, with results in binary form.
int spacer_pq_send_binary(PGconn *connection, const char *name, int count, const char *const *values,
                          const int *lengths, const int *formats);
int spacer_pq_is_busy(PGconn *connection);
PGresult *spacer_pq_get_result(PGconn *connection);

/// An ExecStatusType.
int spacer_pq_result_status(const PGresult *result);
const char *spacer_pq_result_error_field(const PGresult *result, int field);
const char *spacer_pq_result_error_message(const PGresult *result);
int spacer_pq_ntuples(const PGresult *result);
int spacer_pq_nfields(const PGresult *result);
const char *spacer_pq_fname(const PGresult *result, int column);
Oid spacer_pq_ftype(const PGresult *result, int column);
int spacer_pq_getisnull(const PGresult *result, int row, int column);
int spacer_pq_getlength(const PGresult *result, int row, int column);
const char *spacer_pq_getvalue(const PGresult *result, int row, int column);
const char *spacer_pq_cmd_status(PGresult *result);
const char *spacer_pq_cmd_tuples(PGresult *result);
void spacer_pq_clear(PGresult *result);

PGcancel *spacer_pq_get_cancel(PGconn *connection);
/// Blocks until the server has taken the request. Not 0 on success.
int spacer_pq_cancel(PGcancel *cancel);
void spacer_pq_free_cancel(PGcancel *cancel);

/// The value of a connection string's keyword: NULL when it has none, to be freed with `free`. `*malformed`
/// becomes 1 when the string cannot be read.
char *spacer_pq_conninfo_value(const char *conninfo, const char *keyword, int *malformed);
