// Time from exec to the first answer: starts a server, then connects and asks in a tight loop until it
// answers, prints the microseconds between exec and the first byte of the answer, and ends the server.
// The port must lie below the range of ephemeral ports: a connect to a free port inside it can meet itself.
//
// Usage: firstanswer PORT PATH SERVER_CORE|-1 COMMAND [ARGUMENT …]. Exit code 1: no answer in 5 s.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const double giveUpMicroseconds = 5e6;

static double nowMicroseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

// Starts the command and waits until its exec is under way: a parent that went on to spin would hold up
// a child that the scheduler had put on the same core. `*start` is the moment just before exec.
static pid_t launch(int core, char **command, double *start) {
  int moment[2];
  if (pipe2(moment, O_CLOEXEC) < 0) return -1;
  pid_t child = fork();
  if (child < 0) return -1;
  if (child) {
    close(moment[1]);
    char rest;
    int told = read(moment[0], start, sizeof *start) == sizeof *start && read(moment[0], &rest, 1) == 0;
    close(moment[0]);
    return told ? child : -1;
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (core >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
  }
  int null = open("/dev/null", O_WRONLY);
  dup2(null, 1);
  dup2(null, 2);
  double now = nowMicroseconds();
  if (write(moment[1], &now, sizeof now) == sizeof now) execv(command[0], command);
  _exit(127);
}

// 1 when the first byte of an answer came.
static int ask(const struct sockaddr_in *address, const char *request) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char byte;
  int answered = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
                 send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 && recv(fd, &byte, 1, 0) == 1;
  close(fd);
  return answered;
}

// SIGTERM, and SIGKILL to what has not gone after 3 s.
static void end(pid_t child) {
  kill(child, SIGTERM);
  double limit = nowMicroseconds() + 3e6;
  while (waitpid(child, NULL, WNOHANG) == 0) {
    if (nowMicroseconds() > limit) {
      kill(child, SIGKILL);
      waitpid(child, NULL, 0);
      return;
    }
    usleep(500);
  }
}

int main(int count, char **arguments) {
  if (count < 5) {
    fprintf(stderr, "usage: firstanswer PORT PATH SERVER_CORE|-1 COMMAND [ARGUMENT ...]\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons((unsigned short)atoi(arguments[1])),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  char request[512];
  snprintf(request, sizeof request, "GET %.200s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", arguments[2]);

  double start = 0;
  pid_t child = launch(atoi(arguments[3]), arguments + 4, &start);
  if (child < 0) {
    perror("start");
    return 1;
  }
  int answered = 0;
  while (!answered && nowMicroseconds() - start < giveUpMicroseconds)
    answered = ask(&address, request);
  double elapsed = nowMicroseconds() - start;
  end(child);
  if (!answered) return 1;
  printf("%.1f\n", elapsed);
  return 0;
}
