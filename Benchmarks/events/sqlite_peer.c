// The bare program that the store in a SQLite file is compared with: the same table, the same pragmas, the same
// fsyncs, the same bytes an event, and nothing else. `sqlite_peer PATH CALLERS MILLISECONDS BYTES` commits CALLERS
// events at a time, as so many callers that wait for one commit would have it, and prints the events a second.
//
//   cc -O2 -o sqlite_peer sqlite_peer.c -lsqlite3
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check(int status, sqlite3 *database) {
  if (status == SQLITE_OK || status == SQLITE_DONE || status == SQLITE_ROW) return;
  fprintf(stderr, "sqlite_peer: %s\n", sqlite3_errmsg(database));
  exit(1);
}

static long long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: sqlite_peer PATH CALLERS MILLISECONDS BYTES\n");
    return 2;
  }
  int callers = atoi(arguments[2]), bytes = atoi(arguments[4]);
  long long milliseconds = atoll(arguments[3]);
  sqlite3 *database;
  check(sqlite3_open(arguments[1], &database), database);
  const char *setup =
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;"
      "CREATE TABLE IF NOT EXISTS topic_bench(msg_offset INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL,"
      "  value TEXT NOT NULL, created_at INTEGER NOT NULL, event_id TEXT, trace TEXT);"
      "CREATE UNIQUE INDEX IF NOT EXISTS topic_bench_event_id ON topic_bench(event_id)"
      "  WHERE event_id IS NOT NULL;";
  check(sqlite3_exec(database, setup, NULL, NULL, NULL), database);
  sqlite3_stmt *begin, *insert, *commit;
  check(sqlite3_prepare_v2(database, "BEGIN IMMEDIATE", -1, &begin, NULL), database);
  check(sqlite3_prepare_v2(database, "COMMIT", -1, &commit, NULL), database);
  check(sqlite3_prepare_v2(database,
                           "INSERT INTO topic_bench(key, value, created_at, event_id, trace)"
                           " VALUES (?, ?, ?, ?, ?) ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING",
                           -1, &insert, NULL),
        database);
  // The application's event: {"padding":"xxx…"}, and where it came from.
  char *padding = malloc((size_t)bytes + 1), *value = malloc((size_t)bytes + 32);
  memset(padding, 'x', (size_t)bytes);
  padding[bytes] = 0;
  int length_of_value = sprintf(value, "{\"padding\":\"%s\"}", padding);
  static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  long long begun = microseconds(), end = begun + milliseconds * 1000, events = 0;
  while (microseconds() < end) {
    check(sqlite3_step(begin), database);
    sqlite3_reset(begin);
    for (int caller = 0; caller < callers; caller++) {
      char key[16];
      int length = snprintf(key, sizeof key, "k%d", caller);
      sqlite3_bind_text(insert, 1, key, length, SQLITE_STATIC);
      sqlite3_bind_text(insert, 2, value, length_of_value, SQLITE_STATIC);
      sqlite3_bind_int64(insert, 3, time(NULL) * 1000LL);
      sqlite3_bind_text(insert, 5, trace, sizeof trace - 1, SQLITE_STATIC);
      check(sqlite3_step(insert), database);
      sqlite3_reset(insert);
      sqlite3_clear_bindings(insert);
    }
    check(sqlite3_step(commit), database);
    sqlite3_reset(commit);
    events += callers;
  }
  printf("%.0f\n", events * 1e6 / (double)(microseconds() - begun));
  return 0;
}
