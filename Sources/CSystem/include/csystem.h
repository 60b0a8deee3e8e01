// System headers that the Glibc module does not carry, and the calls that Swift cannot import.
// Without _GNU_SOURCE: what both modules declare must be declared alike.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
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

/// A file in memory that goes with its last descriptor, which a program started by exec keeps; -1 with errno.
int spacer_memory_file(const char *name);

/// Locks a whole file for its open file description, which the system ends with the process. 0, or -1 with
/// errno EAGAIN when another has it.
int spacer_lock_file(int descriptor);

/// The length of this program's file as a standalone executable, in bytes; 0 when it is none.
uint64_t spacer_standalone_file_bytes(void);

/// Has SIGINT and SIGTERM end the waiting in `spacer_wait_for_end_signals`, and a second one the process. -1 with
/// errno EBUSY when they are caught already. The calling thread takes them, others as they did before.
int spacer_catch_end_signals(void);

/// Waits for the first of them, or for `spacer_wake_end_signals`.
void spacer_wait_for_end_signals(void);

/// Ends the waiting; from any thread, once the signals were caught.
void spacer_wake_end_signals(void);

/// Has the signals do again what they did before they were caught; on the thread that caught them.
void spacer_restore_end_signals(void);

/// Whether another open file description has the file locked; -1 with errno on failure.
int spacer_is_file_locked(int descriptor);
