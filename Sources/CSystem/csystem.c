#define _GNU_SOURCE
#include "csystem.h"

int spacer_accept(int descriptor, struct sockaddr *address, socklen_t *count) {
  return accept4(descriptor, address, count, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void spacer_name_thread(pthread_t thread, const char *name) { pthread_setname_np(thread, name); }
