#include "table.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

struct spacer_kafka_functions spacer_kafka;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[512];

static void open_library(void) {
  void *library = dlopen("librdkafka.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(failure, sizeof failure, "Kafka's client library is missing: install the Debian package librdkafka1 (%s)",
             dlerror());
    return;
  }
#define LOAD(name)                                                                                       \
  spacer_kafka.name = (__typeof__(spacer_kafka.name))dlsym(library, "rd_kafka_" #name);                 \
  if (spacer_kafka.name == NULL) {                                                                       \
    snprintf(failure, sizeof failure, "Kafka's client library is too old: it lacks rd_kafka_" #name      \
                                      "; install the Debian package librdkafka1, version 2.0 or later"); \
    return;                                                                                              \
  }
  SPACER_KAFKA_FUNCTIONS(LOAD)
#undef LOAD
}

const char *spacer_kafka_open(void) {
  pthread_once(&once, open_library);
  return failure[0] == '\0' ? NULL : failure;
}
