#define _GNU_SOURCE
#include "csystem.h"
#include <sys/mman.h>

int spacer_accept(int descriptor, struct sockaddr *address, socklen_t *count) {
  return accept4(descriptor, address, count, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void spacer_name_thread(pthread_t thread, const char *name) { pthread_setname_np(thread, name); }

int spacer_lock_file(int descriptor) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(descriptor, F_OFD_SETLK, &lock);
}

int spacer_is_file_locked(int descriptor) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return -1;
  return lock.l_type != F_UNLCK;
}

int spacer_memory_file(const char *name) { return memfd_create(name, 0); }
