#include "ckafkamock.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define FUNCTIONS(X)                                                                                     \
  X(conf_new) X(conf_set_log_cb) X(new) X(destroy) X(mock_cluster_new) X(mock_cluster_destroy)           \
  X(mock_cluster_bootstraps) X(mock_topic_create) X(mock_push_request_errors_array) X(mock_broker_set_rtt) \
  X(mock_partition_set_leader) X(mock_clear_request_errors) X(conf_set)                                  \
  X(topic_partition_list_new) X(topic_partition_list_add) X(topic_partition_list_destroy) X(assign)        \
  X(consumer_poll) X(message_headers) X(header_get_all) X(message_destroy) X(init_transactions)            \
  X(begin_transaction) X(commit_transaction) X(error_code) X(error_destroy) X(producev) X(commit)

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
  if (count == 0) {
    kafka.mock_clear_request_errors(mock.cluster, request);
  } else {
    kafka.mock_push_request_errors_array(mock.cluster, request, count, errors);
  }
}
int spacer_kafka_mock_delay(spacer_kafka_mock mock, int32_t broker, int milliseconds) {
  return (int)kafka.mock_broker_set_rtt(mock.cluster, broker, milliseconds);
}
int spacer_kafka_mock_lead(spacer_kafka_mock mock, const char *topic, int32_t partition, int32_t broker) {
  return (int)kafka.mock_partition_set_leader(mock.cluster, topic, partition, broker);
}

// Clients of any cluster

/// A client with a property of its own; NULL when it cannot start.
static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers, const char *name, const char *value) {
  pthread_once(&once, open_library);
  if (!is_complete) return NULL;
  char text[256];
  rd_kafka_conf_t *conf = kafka.conf_new();
  kafka.conf_set_log_cb(conf, drop_log);
  kafka.conf_set(conf, "bootstrap.servers", brokers, text, sizeof text);
  kafka.conf_set(conf, name, value, text, sizeof text);
  return kafka.new(type, conf, text, sizeof text);
}

int spacer_kafka_first_headers(const char *brokers, const char *topic, char *text, size_t text_bytes) {
  rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, brokers, "group.id", "headers");
  if (consumer == NULL) return -1;
  rd_kafka_topic_partition_list_t *list = kafka.topic_partition_list_new(1);
  kafka.topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
  kafka.assign(consumer, list);
  kafka.topic_partition_list_destroy(list);
  rd_kafka_message_t *message = kafka.consumer_poll(consumer, 30000);
  int result = message == NULL ? -1 : (int)message->err;
  rd_kafka_headers_t *headers;
  text[0] = '\0';
  if (result == 0 && kafka.message_headers(message, &headers) == 0) {
    const char *name;
    const void *value;
    size_t value_bytes, used = 0;
    for (size_t i = 0; kafka.header_get_all(headers, i, &name, &value, &value_bytes) == 0; i++) {
      int more = snprintf(text + used, text_bytes - used, "%s=%.*s\n", name, (int)value_bytes, (const char *)value);
      if (more < 0 || (size_t)more >= text_bytes - used) break;
      used += (size_t)more;
    }
  }
  if (message != NULL) kafka.message_destroy(message);
  kafka.destroy(consumer);
  return result;
}

/// Frees an error and gives its code.
static int take(rd_kafka_error_t *error) {
  if (error == NULL) return 0;
  int code = (int)kafka.error_code(error);
  kafka.error_destroy(error);
  return code;
}

int spacer_kafka_transact(const char *brokers, const char *topic, const char *value) {
  rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, brokers, "transactional.id", "t");
  if (producer == NULL) return -1;
  int error = take(kafka.init_transactions(producer, 10000));
  if (error == 0) error = take(kafka.begin_transaction(producer));
  if (error == 0) {
    error = (int)kafka.producev(producer, RD_KAFKA_VTYPE_TOPIC, topic, RD_KAFKA_VTYPE_VALUE, (void *)value,
                                strlen(value), RD_KAFKA_VTYPE_MSGFLAGS, (int)RD_KAFKA_MSG_F_COPY, RD_KAFKA_VTYPE_END);
  }
  if (error == 0) error = take(kafka.commit_transaction(producer, 10000));
  kafka.destroy(producer);
  return error;
}

int spacer_kafka_commit_offset(const char *brokers, const char *group, const char *topic, int64_t offset) {
  rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, brokers, "group.id", group);
  if (consumer == NULL) return -1;
  rd_kafka_topic_partition_list_t *list = kafka.topic_partition_list_new(1);
  kafka.topic_partition_list_add(list, topic, 0)->offset = offset;
  int error = (int)kafka.commit(consumer, list, 0);
  kafka.topic_partition_list_destroy(list);
  kafka.destroy(consumer);
  return error;
}
