// What the PostgreSQL driver's appends are measured against: the same inserts of as many bytes by a bare C program
// over one connection of libpq's. N callers, each with one event on its way at a time; all that wait become one multi-row
// insert, prepared, with binary arrays. DEPTH batches are on their way at a time, in libpq's pipeline mode.
//
//   cc -O2 -I/usr/include/postgresql -o postgres_peer postgres_peer.c -lpq
//   postgres_peer CONNSTRING CALLERS SECONDS DEPTH
//
// Prints the events per second. The table topic_peer is made anew, as the driver makes a topic's.
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VALUE_BYTES = 114, KEY_BYTES = 8, TRACE_BYTES = 55, ARRAYS = 4 };

static const char *const INSERT =
    "INSERT INTO topic_peer (key, value, created_at, trace, key_hash) SELECT k, v, statement_timestamp(), t, h "
    "FROM unnest($1::text[], $2::text[], $3::text[], $4::int4[]) AS e(k, v, t, h) RETURNING msg_offset";
static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static void fail(PGconn *connection, const char *what) {
  fprintf(stderr, "%s: %s\n", what, PQerrorMessage(connection));
  exit(1);
}

static void run(PGconn *connection, const char *sql) {
  PGresult *result = PQexec(connection, sql);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) fail(connection, sql);
  PQclear(result);
}

static char *put(char *at, unsigned value) {
  value = htonl(value);
  memcpy(at, &value, 4);
  return at + 4;
}

static char *begin(char *at, unsigned type, unsigned count) {
  return put(put(put(put(put(at, 1), 0), type), count), 1);
}

/// Sends one batch.
static void send_batch(PGconn *connection, unsigned count, char *buffers[ARRAYS], unsigned *number) {
  char *ends[ARRAYS];
  for (int index = 0; index < ARRAYS; index++) ends[index] = begin(buffers[index], index < 3 ? 25 : 23, count);
  for (unsigned index = 0; index < count; index++) {
    char key[KEY_BYTES + 1];
    snprintf(key, sizeof key, "k%07u", (*number)++ % 10000);
    ends[0] = put(ends[0], KEY_BYTES);
    memcpy(ends[0], key, KEY_BYTES);
    ends[0] += KEY_BYTES;
    ends[1] = put(ends[1], VALUE_BYTES);
    memset(ends[1], '7', VALUE_BYTES);
    ends[1] += VALUE_BYTES;
    unsigned long hash = 0xCBF29CE484222325;
    for (int byte = 0; byte < KEY_BYTES; byte++) hash = (hash ^ (unsigned char)key[byte]) * 0x100000001B3;
    ends[2] = put(ends[2], TRACE_BYTES);
    memcpy(ends[2], trace, TRACE_BYTES);
    ends[2] += TRACE_BYTES;
    ends[3] = put(put(ends[3], 4), (hash ^ hash >> 32) & 0x7FFFFFFF);
  }
  const char *values[ARRAYS];
  int lengths[ARRAYS];
  const int formats[ARRAYS] = {1, 1, 1, 1};
  for (int index = 0; index < ARRAYS; index++) {
    values[index] = buffers[index];
    lengths[index] = (int)(ends[index] - buffers[index]);
  }
  if (!PQsendQueryPrepared(connection, "i", ARRAYS, values, lengths, formats, 1)) fail(connection, "send");
  if (!PQpipelineSync(connection)) fail(connection, "sync");
}

/// Takes the answer to one batch; gives how many events it has.
static unsigned take_batch(PGconn *connection) {
  unsigned count = 0;
  while (1) {
    PGresult *result = PQgetResult(connection);
    if (result == NULL) continue;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) count = (unsigned)PQntuples(result);
    else if (status != PGRES_PIPELINE_SYNC) fail(connection, "insert");
    PQclear(result);
    if (status == PGRES_PIPELINE_SYNC) return count;
  }
}

int main(int count, char **words) {
  if (count != 5) return 2;
  unsigned callers = (unsigned)atoi(words[2]), depth = (unsigned)atoi(words[4]), number = 0;
  double seconds = atof(words[3]);
  if (depth > callers) depth = callers;
  PGconn *connection = PQconnectdb(words[1]);
  if (PQstatus(connection) != CONNECTION_OK) fail(connection, "connect");
  run(connection, "SET client_min_messages = warning");
  run(connection, "DROP TABLE IF EXISTS topic_peer");
  run(connection, "CREATE TABLE topic_peer (msg_offset BIGSERIAL PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL, "
                  "created_at TIMESTAMPTZ DEFAULT now(), id TEXT, trace TEXT, key_hash INT)");
  run(connection, "CREATE UNIQUE INDEX ON topic_peer (id) WHERE id IS NOT NULL");
  PGresult *prepared = PQprepare(connection, "i", INSERT, 0, NULL);
  if (PQresultStatus(prepared) != PGRES_COMMAND_OK) fail(connection, "prepare");
  PQclear(prepared);
  if (!PQenterPipelineMode(connection)) fail(connection, "pipeline");
  char *buffers[ARRAYS];
  for (int index = 0; index < ARRAYS; index++) buffers[index] = malloc(64 + (size_t)callers * (VALUE_BYTES + 4));
  double start = now();
  unsigned long total = 0;
  for (unsigned index = 0; index < depth; index++) {
    send_batch(connection, callers / depth + (index < callers % depth ? 1 : 0), buffers, &number);
  }
  unsigned in_flight = depth;
  while (in_flight > 0) {
    unsigned done = take_batch(connection);
    in_flight--;
    total += done;
    if (now() - start < seconds) {
      send_batch(connection, done, buffers, &number);
      in_flight++;
    }
  }
  printf("%.0f\n", (double)total / (now() - start));
  PQfinish(connection);
  return 0;
}
