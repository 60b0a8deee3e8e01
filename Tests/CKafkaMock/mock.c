#include "ckafkamock.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define FUNCTIONS(X)                                                                                     \
  X(conf_new) X(conf_set_log_cb) X(new) X(destroy) X(mock_cluster_new) X(mock_cluster_destroy)           \
  X(mock_cluster_bootstraps) X(mock_topic_create) X(mock_push_request_errors_array) X(mock_broker_set_rtt) \
  X(mock_partition_set_leader) X(mock_broker_set_down) X(mock_broker_set_up)

static struct {
#define MEMBER(name) __typeof__(&rd_kafka_##name) name;
  FUNCTIONS(MEMBER)
#undef MEMBER
} kafka;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_complete;

static void open_library(void) {
  void *library = dlopen("librdkafka.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return;
  is_complete = 1;
#define LOAD(name)                                                             \
  kafka.name = (__typeof__(kafka.name))dlsym(library, "rd_kafka_" #name);      \
  if (kafka.name == NULL) is_complete = 0;
  FUNCTIONS(LOAD)
#undef LOAD
}

static void drop_log(const rd_kafka_t *client, int level, const char *facility, const char *text) {
  (void)client, (void)level, (void)facility, (void)text;
}

spacer_kafka_mock spacer_kafka_mock_start(int brokers) {
  spacer_kafka_mock mock = {NULL, NULL};
  pthread_once(&once, open_library);
  if (!is_complete) return mock;
  char text[256];
  rd_kafka_conf_t *conf = kafka.conf_new();
  kafka.conf_set_log_cb(conf, drop_log);
  mock.client = kafka.new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (mock.client != NULL) mock.cluster = kafka.mock_cluster_new(mock.client, brokers);
  return mock;
}

void spacer_kafka_mock_stop(spacer_kafka_mock mock) {
  if (mock.cluster != NULL) kafka.mock_cluster_destroy(mock.cluster);
  if (mock.client != NULL) kafka.destroy(mock.client);
}

const char *spacer_kafka_mock_bootstraps(spacer_kafka_mock mock) {
  return kafka.mock_cluster_bootstraps(mock.cluster);
}
int spacer_kafka_mock_create_topic(spacer_kafka_mock mock, const char *topic, int partitions, int replicas) {
  return (int)kafka.mock_topic_create(mock.cluster, topic, partitions, replicas);
}
void spacer_kafka_mock_fail(spacer_kafka_mock mock, int16_t request, const rd_kafka_resp_err_t *errors, size_t count) {
  kafka.mock_push_request_errors_array(mock.cluster, request, count, errors);
}
int spacer_kafka_mock_delay(spacer_kafka_mock mock, int32_t broker, int milliseconds) {
  return (int)kafka.mock_broker_set_rtt(mock.cluster, broker, milliseconds);
}
int spacer_kafka_mock_lead(spacer_kafka_mock mock, const char *topic, int32_t partition, int32_t broker) {
  return (int)kafka.mock_partition_set_leader(mock.cluster, topic, partition, broker);
}
int spacer_kafka_mock_down(spacer_kafka_mock mock, int32_t broker) {
  return (int)kafka.mock_broker_set_down(mock.cluster, broker);
}
int spacer_kafka_mock_up(spacer_kafka_mock mock, int32_t broker) {
  return (int)kafka.mock_broker_set_up(mock.cluster, broker);
}
