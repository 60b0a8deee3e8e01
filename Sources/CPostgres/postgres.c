#include "cpostgres.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(X)                                                                                      \
  X(PQconnectStartParams) X(PQconnectPoll) X(PQstatus) X(PQtransactionStatus) X(PQsocket)                 \
  X(PQerrorMessage) X(PQfinish) X(PQsetnonblocking) X(PQsetNoticeReceiver) X(PQsendQuery)                \
  X(PQsendPrepare) X(PQsendQueryParams) X(PQsendQueryPrepared) X(PQsetSingleRowMode) X(PQflush)           \
  X(PQconsumeInput) X(PQisBusy) X(PQgetResult) X(PQnotifies) X(PQfreemem) X(PQresultStatus)               \
  X(PQresultErrorField) X(PQresultErrorMessage) X(PQntuples) X(PQnfields) X(PQfname) X(PQftype) X(PQgetisnull) X(PQgetlength)     \
  X(PQgetvalue) X(PQcmdStatus) X(PQcmdTuples) X(PQclear) X(PQgetCancel) X(PQcancel) X(PQfreeCancel)       \
  X(PQconninfoParse) X(PQconninfoFree)

// One pointer a function, of the type that the header declares.
static struct {
#define MEMBER(name) __typeof__(&name) name;
  FUNCTIONS(MEMBER)
#undef MEMBER
} pq;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[512];

static void open_library(void) {
  void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(failure, sizeof failure, "PostgreSQL's client library is missing: install the Debian package libpq5 (%s)",
             dlerror());
    return;
  }
#define LOAD(name)                                                                                     \
  pq.name = (__typeof__(pq.name))dlsym(library, #name);                                               \
  if (pq.name == NULL) {                                                                               \
    snprintf(failure, sizeof failure, "PostgreSQL's client library is too old: it lacks " #name        \
                                      "; install the Debian package libpq5, version 12 or later");   \
    return;                                                                                            \
  }
  FUNCTIONS(LOAD)
#undef LOAD
}

const char *spacer_pq_open(void) {
  pthread_once(&once, open_library);
  return failure[0] == '\0' ? NULL : failure;
}

/// Drops a notice, unless it says that the server ends an idle connection.
static void take_notice(void *is_ending, const PGresult *notice) {
  const char *severity = pq.PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)) {
    *(int *)is_ending = 1;
  }
}

PGconn *spacer_pq_connect_start(const char *const *keywords, const char *const *values) {
  return pq.PQconnectStartParams(keywords, values, 1);
}
int spacer_pq_connect_poll(PGconn *connection) { return (int)pq.PQconnectPoll(connection); }
int spacer_pq_is_ok(const PGconn *connection) { return pq.PQstatus(connection) == CONNECTION_OK; }
int spacer_pq_transaction_status(const PGconn *connection) { return (int)pq.PQtransactionStatus(connection); }
int spacer_pq_socket(const PGconn *connection) { return pq.PQsocket(connection); }
const char *spacer_pq_error_message(const PGconn *connection) { return pq.PQerrorMessage(connection); }
void spacer_pq_finish(PGconn *connection) { pq.PQfinish(connection); }

int spacer_pq_prepare_connection(PGconn *connection, int *is_ending) {
  pq.PQsetNoticeReceiver(connection, take_notice, is_ending);
  return pq.PQsetnonblocking(connection, 1) == 0;
}

int spacer_pq_send_query(PGconn *connection, const char *query) { return pq.PQsendQuery(connection, query); }

int spacer_pq_send_prepare(PGconn *connection, const char *name, const char *query, int count,
                           const Oid *types) {
  return pq.PQsendPrepare(connection, name, query, count, types);
}

int spacer_pq_send_query_params(PGconn *connection, const char *query, int count, const Oid *types,
                                const char *const *values, const int *lengths, const int *formats) {
  return pq.PQsendQueryParams(connection, query, count, types, values, lengths, formats, 0);
}

int spacer_pq_send_query_prepared(PGconn *connection, const char *name, int count, const char *const *values,
                                  const int *lengths, const int *formats) {
  return pq.PQsendQueryPrepared(connection, name, count, values, lengths, formats, 0);
}

int spacer_pq_set_single_row_mode(PGconn *connection) { return pq.PQsetSingleRowMode(connection); }
int spacer_pq_flush(PGconn *connection) { return pq.PQflush(connection); }

int spacer_pq_consume_input(PGconn *connection) {
  int result = pq.PQconsumeInput(connection);
  PGnotify *notification;
  // Nobody here listens, and what is not taken is kept for ever.
  while ((notification = pq.PQnotifies(connection)) != NULL) pq.PQfreemem(notification);
  return result;
}

int spacer_pq_read_input(PGconn *connection) { return pq.PQconsumeInput(connection); }

int spacer_pq_take_notification(PGconn *connection, char *channel, int size) {
  PGnotify *notification = pq.PQnotifies(connection);
  if (notification == NULL) return 0;
  snprintf(channel, (size_t)size, "%s", notification->relname);
  pq.PQfreemem(notification);
  return 1;
}

int spacer_pq_send_binary(PGconn *connection, const char *name, int count, const char *const *values,
                          const int *lengths, const int *formats) {
  return pq.PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1);
}

int spacer_pq_is_busy(PGconn *connection) { return pq.PQisBusy(connection); }
PGresult *spacer_pq_get_result(PGconn *connection) { return pq.PQgetResult(connection); }

int spacer_pq_result_status(const PGresult *result) { return (int)pq.PQresultStatus(result); }
const char *spacer_pq_result_error_field(const PGresult *result, int field) {
  return pq.PQresultErrorField(result, field);
}
const char *spacer_pq_result_error_message(const PGresult *result) {
  return pq.PQresultErrorMessage(result);
}
int spacer_pq_ntuples(const PGresult *result) { return pq.PQntuples(result); }
int spacer_pq_nfields(const PGresult *result) { return pq.PQnfields(result); }
const char *spacer_pq_fname(const PGresult *result, int column) { return pq.PQfname(result, column); }
Oid spacer_pq_ftype(const PGresult *result, int column) { return pq.PQftype(result, column); }
int spacer_pq_getisnull(const PGresult *result, int row, int column) {
  return pq.PQgetisnull(result, row, column);
}
int spacer_pq_getlength(const PGresult *result, int row, int column) {
  return pq.PQgetlength(result, row, column);
}
const char *spacer_pq_getvalue(const PGresult *result, int row, int column) {
  return pq.PQgetvalue(result, row, column);
}
const char *spacer_pq_cmd_status(PGresult *result) { return pq.PQcmdStatus(result); }
const char *spacer_pq_cmd_tuples(PGresult *result) { return pq.PQcmdTuples(result); }
void spacer_pq_clear(PGresult *result) { pq.PQclear(result); }

PGcancel *spacer_pq_get_cancel(PGconn *connection) { return pq.PQgetCancel(connection); }
int spacer_pq_cancel(PGcancel *cancel) {
  char message[256];
  return pq.PQcancel(cancel, message, sizeof message);
}
void spacer_pq_free_cancel(PGcancel *cancel) { pq.PQfreeCancel(cancel); }

char *spacer_pq_conninfo_value(const char *conninfo, const char *keyword, int *malformed) {
  // The reason is not asked for: it may quote a password.
  PQconninfoOption *options = pq.PQconninfoParse(conninfo, NULL);
  *malformed = options == NULL;
  char *value = NULL;
  for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
    if (strcmp(option->keyword, keyword) == 0 && option->val != NULL) value = strdup(option->val);
  }
  if (options != NULL) pq.PQconninfoFree(options);
  return value;
}
