// System headers that the Glibc module does not carry, and the calls that Swift cannot import.
// Without _GNU_SOURCE: what both modules declare must be declared alike.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/// accept4: accepts a connection with SOCK_NONBLOCK and SOCK_CLOEXEC.
int spacer_accept(int descriptor, struct sockaddr *address, socklen_t *count);

/// Names a thread for people who look at the process; at most 15 bytes count.
void spacer_name_thread(pthread_t thread, const char *name);

/// Locks a whole file for its open file description, which the system ends with the process. 0, or -1 with
/// errno EAGAIN when another has it.
int spacer_lock_file(int descriptor);

/// Whether another open file description has the file locked; -1 with errno on failure.
int spacer_is_file_locked(int descriptor);
