// Time from a save to the first answer by new code: writes a file as an editor does that writes in place, and asks
// for one answer after the other over a kept connection until one holds the new text. What is printed a save is the
// microseconds from the return of close() to that answer's last byte.
//
// Usage: savepoll PORT PATH FILE SAVES. The file's text holds @REVISION@ once; the numbers 1 to SAVES take its place,
// and an answer is new when it holds "revision":NUMBER and then a , or }. Exit code 1: no such answer in 20 s.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const double giveUpMicroseconds = 20e6;
static const char mark[] = "@REVISION@";

static double nowMicroseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int connectTo(int port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons((unsigned short)port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;
  struct timeval limit = {.tv_sec = 20};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// Reads one answer with a Content-Length into `text`; its length, or -1 when the connection has ended.
static long answer(int fd, char *text, size_t size) {
  size_t count = 0;
  while (count + 1 < size) {
    ssize_t more = recv(fd, text + count, size - 1 - count, 0);
    if (more <= 0) return -1;
    count += (size_t)more;
    text[count] = 0;
    char *end = strstr(text, "\r\n\r\n");
    if (!end) continue;
    char *length = strcasestr(text, "\r\ncontent-length:");
    if (!length || length > end) return -1;
    size_t whole = (size_t)(end + 4 - text) + strtoul(length + 17, NULL, 10);
    if (count >= whole) return (long)count;
  }
  return -1;
}

static int isNew(const char *text, int revision) {
  char wanted[64];
  snprintf(wanted, sizeof wanted, "\"revision\":%d", revision);
  const char *found = strstr(text, wanted);
  return found && !isdigit((unsigned char)found[strlen(wanted)]);
}

static int save(const char *path, const char *text, const char *place, int revision, double *saved) {
  int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return 0;
  char number[16];
  snprintf(number, sizeof number, "%d", revision);
  char whole[1 << 16];
  int count = snprintf(
      whole, sizeof whole, "%.*s%s%s", (int)(place - text), text, number, place + strlen(mark));
  int written = count > 0 && count < (int)sizeof whole && write(fd, whole, (size_t)count) == count;
  close(fd);
  *saved = nowMicroseconds();
  return written;
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) return NULL;
  static char text[1 << 15];
  size_t count = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[count] = 0;
  return text;
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: savepoll PORT PATH FILE SAVES\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int port = atoi(arguments[1]);
  char *text = read_file(arguments[3]);
  char *place = text ? strstr(text, mark) : NULL;
  if (!place) {
    fprintf(stderr, "savepoll: no %s in %s\n", mark, arguments[3]);
    return 1;
  }
  char request[512];
  snprintf(request, sizeof request, "GET %.200s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", arguments[2]);
  static char received[1 << 20];
  int fd = -1;
  for (int revision = 1; revision <= atoi(arguments[4]); revision++) {
    double saved = 0;
    if (!save(arguments[3], text, place, revision, &saved)) {
      perror(arguments[3]);
      return 1;
    }
    double now = saved;
    for (int found = 0; !found; now = nowMicroseconds()) {
      if (now - saved > giveUpMicroseconds) {
        fprintf(stderr, "savepoll: save %d was never served; the last answer:\n%.2000s\n", revision, received);
        return 1;
      }
      if (fd < 0 && (fd = connectTo(port)) < 0) continue;
      int answered = send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 && answer(fd, received, sizeof received) > 0;
      if (!answered) {
        close(fd);
        fd = -1;
      }
      found = answered && isNew(received, revision);
    }
    printf("%.1f\n", now - saved);
    // An editor's next save is not the moment after; the server comes to rest.
    usleep(20000);
  }
  return 0;
}
