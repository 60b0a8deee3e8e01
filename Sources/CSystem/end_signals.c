// SIGINT and SIGTERM as something a thread can wait for, in a program that has other threads: with a handler it does
// not matter which of them the system picks.
#include "csystem.h"

static const int numbers[] = {SIGINT, SIGTERM};
static struct sigaction before[2];
static sigset_t mask_before;
/// An eventfd; kept once it is made, since a handler may still be running when its signals are given back.
static volatile int event_descriptor = -1;
static volatile sig_atomic_t was_told;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int is_caught;

void spacer_wake_end_signals(void) {
  uint64_t one = 1;
  ssize_t count = write(event_descriptor, &one, sizeof one);
  (void)count;
}

static void handle(int number) {
  int error = errno;
  if (was_told) _exit(128 + number);
  was_told = 1;
  spacer_wake_end_signals();
  errno = error;
}

int spacer_catch_end_signals(void) {
  pthread_mutex_lock(&mutex);
  int result = -1;
  if (is_caught) {
    errno = EBUSY;
  } else {
    if (event_descriptor < 0) event_descriptor = eventfd(0, EFD_CLOEXEC);
    result = event_descriptor;
  }
  if (result >= 0) {
    is_caught = 1;
    was_told = 0;
    uint64_t counter;
    struct pollfd poll_entry = {.fd = result, .events = POLLIN};
    if (poll(&poll_entry, 1, 0) > 0) {
      ssize_t count = read(result, &counter, sizeof counter);
      (void)count;
    }
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++) sigaction(numbers[i], &action, &before[i]);
    // Whoever started the program may have them blocked, as threads of libdispatch do.
    sigset_t signals;
    sigemptyset(&signals);
    for (int i = 0; i < 2; i++) sigaddset(&signals, numbers[i]);
    pthread_sigmask(SIG_UNBLOCK, &signals, &mask_before);
  }
  pthread_mutex_unlock(&mutex);
  return result;
}

void spacer_wait_for_end_signals(void) {
  struct pollfd entry = {.fd = event_descriptor, .events = POLLIN};
  while (poll(&entry, 1, -1) <= 0) {}
}

void spacer_restore_end_signals(void) {
  pthread_mutex_lock(&mutex);
  pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
  for (int i = 0; i < 2; i++) sigaction(numbers[i], &before[i], NULL);
  is_caught = 0;
  pthread_mutex_unlock(&mutex);
}
