// The bare program that KafkaStore's appends are measured beside: librdkafka's produce with the same properties and
// as many bytes (the headers as well, unless BARE=1 is in the environment), as many on their way as
// there are callers, each followed by the next when it is acknowledged.
//
//   cc -O2 -o kafka_peer kafka_peer.c -lrdkafka
//   kafka_peer BROKERS TOPIC CALLERS SECONDS [PROPERTY=VALUE …]
//
// Prints appends per second and the delay's median and 99th percentile in microseconds. The topic has to exist.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLERS_MAX = 4096, DELAYS_MAX = 1 << 22 };

// {"padding":"xxx…"} with 100 of them.
#define TEN "xxxxxxxxxx"
static const char value[] = "{\"padding\":\"" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "\"}";
static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

static rd_kafka_t *client;
static rd_kafka_topic_t *topic;
static int is_bare;
static uint64_t began[CALLERS_MAX];
static uint32_t *delays;
static size_t done, failed, waiting;
static uint64_t end;

static uint64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void append(size_t caller) {
  char key[16];
  int key_count = snprintf(key, sizeof key, "k%zu", caller);
  began[caller] = microseconds();
  int error;
  if (is_bare) {
    error = rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, (void *)value, sizeof value - 1, key,
                             (size_t)key_count, (void *)caller);
  } else {
    error = (int)rd_kafka_producev(
        client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, (size_t)key_count),
        RD_KAFKA_V_VALUE((void *)value, sizeof value - 1), RD_KAFKA_V_HEADER("traceparent", trace, sizeof trace - 1),
        RD_KAFKA_V_HEADER("spacer-type", "application/json", 16),
        RD_KAFKA_V_OPAQUE((void *)caller), RD_KAFKA_V_END);
  }
  if (error == 0) {
    waiting++;
  } else {
    failed++;
  }
}

static void delivered(rd_kafka_t *of, const rd_kafka_message_t *message, void *context) {
  (void)of, (void)context;
  size_t caller = (size_t)message->_private;
  uint64_t now = microseconds();
  waiting--;
  if (message->err != 0) {
    failed++;
  } else if (done < DELAYS_MAX) {
    delays[done++] = (uint32_t)(now - began[caller]);
  }
  if (now < end) append(caller);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *text) {
  char reason[512];
  if (rd_kafka_conf_set(conf, name, text, reason, sizeof reason) == RD_KAFKA_CONF_OK) return;
  fprintf(stderr, "%s\n", reason);
  exit(2);
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

int main(int count, char **words) {
  if (count < 5) {
    fprintf(stderr, "usage: kafka_peer BROKERS TOPIC CALLERS SECONDS [PROPERTY=VALUE …]\n");
    return 2;
  }
  size_t callers = (size_t)atoi(words[3]);
  if (callers < 1 || callers > CALLERS_MAX) return 2;
  delays = malloc(DELAYS_MAX * sizeof *delays);
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", words[1]);
  set(conf, "enable.idempotence", "true");
  set(conf, "acks", "all");
  set(conf, "message.timeout.ms", "5000");
  set(conf, "linger.ms", "0");
  set(conf, "socket.nagle.disable", "true");
  set(conf, "partitioner", "murmur2_random");
  for (int i = 5; i < count; i++) {
    char *name = strdup(words[i]), *text = strchr(name, '=');
    if (text == NULL) return 2;
    *text = '\0';
    set(conf, name, text + 1);
    free(name);
  }
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  char reason[512];
  is_bare = getenv("BARE") != NULL;
  client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
  if (client == NULL) {
    fprintf(stderr, "%s\n", reason);
    return 2;
  }
  topic = rd_kafka_topic_new(client, words[2], NULL);
  // Connections and leaders are found before the clock runs.
  end = 0;
  for (size_t i = 0; i < callers; i++) append(i);
  while (waiting > 0) rd_kafka_poll(client, 100);
  if (done == 0) {
    fprintf(stderr, "nothing was acknowledged\n");
    return 1;
  }
  done = failed = 0;
  uint64_t start = microseconds();
  end = start + (uint64_t)atoi(words[4]) * 1000000;
  for (size_t i = 0; i < callers; i++) append(i);
  while (waiting > 0) rd_kafka_poll(client, 100);
  double seconds = (double)(microseconds() - start) / 1e6;
  qsort(delays, done, sizeof *delays, compare);
  printf("%.0f appends/s, p50 %u us, p99 %u us, %zu failed\n", (double)done / seconds,
         done > 0 ? delays[done / 2] : 0, done > 0 ? delays[done * 99 / 100] : 0, failed);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(client);
  return 0;
}
