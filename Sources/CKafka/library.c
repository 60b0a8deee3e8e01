#include "ckafka.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[512];

static void open_library(void) {
  if (dlopen("librdkafka.so.1", RTLD_NOW | RTLD_LOCAL) == NULL) {
    snprintf(failure, sizeof failure, "Kafka's client library is missing: install the Debian package librdkafka1 (%s)",
             dlerror());
  }
}

const char *spacer_kafka_open(void) {
  pthread_once(&once, open_library);
  return failure[0] == '\0' ? NULL : failure;
}
