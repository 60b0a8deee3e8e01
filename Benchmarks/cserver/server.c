// The limit: what the kernel alone charges for a request on an epoll loop. Answers are rendered before
// the first connection; of a request only its end is looked for, the letter after the path's first
// slash (which answer), a Content-Length (how much body to skip) and "Connection: close".
//
// Usage: server PORT ECHO_BODY_FILE. Not a server for anything else: it trusts its client.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096, INPUT_BYTES = 16384, OUTPUT_BYTES = 262144, EVENTS_MAX = 512 };

// Bytes of a request that has not ended yet, kept between reads. The last byte stays a NUL. A descriptor's
// struct is allocated at its first use and kept for the connections that get the same number later.
struct connection {
  size_t used;
  char input[INPUT_BYTES + 1];
};

struct rendering {
  char *bytes;
  size_t length;
};

// One answer, for a connection that stays ([0]) and for one that closes after it ([1]).
struct answer {
  struct rendering forms[2];
};

static struct connection *connections[CONNECTIONS_MAX];
static struct answer hello, params, echo, list;
static char output[OUTPUT_BYTES];

static void fail(const char *call) {
  perror(call);
  exit(1);
}

static void *allocate(size_t bytes) {
  void *memory = calloc(1, bytes);
  if (!memory) fail("calloc");
  return memory;
}

static struct rendering renderForm(const char *json, const char *connectionField) {
  struct rendering form = {allocate(strlen(json) + 256), 0};
  form.length = (size_t)sprintf(
      form.bytes,
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s"
      "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n{\"data\":%s}\n",
      strlen(json) + 10, connectionField, json);
  return form;
}

static struct answer render(const char *json) {
  return (struct answer){{renderForm(json, ""), renderForm(json, "Connection: close\r\n")}};
}

static void renderAll(const char *echoFile) {
  char *json = allocate(65536);
  hello = render("\"Hello from Spacer!\"");
  params = render("{\"user\":\"42\",\"post\":\"7\"}");

  FILE *file = fopen(echoFile, "rb");
  if (!file) fail(echoFile);
  json[fread(json, 1, 65535, file)] = 0;
  fclose(file);
  echo = render(json);

  char *end = json;
  for (int id = 1; id <= 500; id++)
    end += sprintf(end, "%c{\"id\":%d,\"name\":\"item %d\"}", id == 1 ? '[' : ',', id, id);
  strcpy(end, "]");
  list = render(json);
  free(json);
}

static struct answer *choose(const char *head, size_t length) {
  const char *slash = memchr(head, '/', length);
  switch (slash ? slash[1] : 0) {
  case 'u': return &params;
  case 'e': return &echo;
  case 'l': return &list;
  default: return &hello;
  }
}

// A blocking write of the tail when the socket's buffer is full: simple, and rare with these answers.
static int writeAll(int fd, const char *bytes, size_t length) {
  while (length) {
    ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) {
      fcntl(fd, F_SETFL, 0);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    bytes += count;
    length -= (size_t)count;
  }
  return 0;
}

static void closeConnection(int fd) {
  connections[fd]->used = 0;
  close(fd);
}

// Answers every whole request in the buffer with one write; returns 1 when the connection is to close.
static int answerAll(int fd, struct connection *connection) {
  char *at = connection->input, *end = at + connection->used;
  size_t pending = 0;
  int last = 0;
  while (!last) {
    char *blank = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
    if (!blank) break;
    size_t head = (size_t)(blank + 4 - at), body = 0;
    if (*at == 'P') {
      char *field = memmem(at, head, "Content-Length: ", 16);
      body = field ? strtoul(field + 16, NULL, 10) : 0;
    }
    if ((size_t)(end - at) - head < body) break;
    last = memmem(at, head, "Connection: close", 17) != NULL;
    struct rendering *form = &choose(at, head)->forms[last];
    if (pending + form->length > OUTPUT_BYTES) {
      if (writeAll(fd, output, pending) < 0) return 1;
      pending = 0;
    }
    memcpy(output + pending, form->bytes, form->length);
    pending += form->length;
    at += head + body;
  }
  if (pending && writeAll(fd, output, pending) < 0) return 1;
  connection->used = (size_t)(end - at);
  memmove(connection->input, at, connection->used);
  return last || connection->used == INPUT_BYTES;
}

static void receive(int fd) {
  struct connection *connection = connections[fd];
  ssize_t count = recv(fd, connection->input + connection->used, INPUT_BYTES - connection->used, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    closeConnection(fd);
    return;
  }
  connection->used += (size_t)count;
  if (answerAll(fd, connection)) closeConnection(fd);
}

static void acceptAll(int listener, int poller) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (fd >= CONNECTIONS_MAX) {
      close(fd);
      continue;
    }
    if (!connections[fd]) connections[fd] = allocate(sizeof(struct connection));
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) closeConnection(fd);
  }
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: server PORT ECHO_BODY_FILE\n");
    return 2;
  }
  renderAll(arguments[2]);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons((unsigned short)atoi(arguments[1])),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  if (listen(listener, 1024) < 0) fail("listen");
  int poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll");

  static struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int ready = epoll_wait(poller, events, EVENTS_MAX, -1);
    for (int index = 0; index < ready; index++) {
      if (events[index].data.fd == listener)
        acceptAll(listener, poller);
      else
        receive(events[index].data.fd);
    }
  }
}
