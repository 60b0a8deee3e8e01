#include "table.h"

#include <stdio.h>
#include <string.h>

/// Frees an error and gives its code.
static int take_error(rd_kafka_error_t *error) {
  if (error == NULL) return 0;
  int code = (int)spacer_kafka.error_code(error);
  spacer_kafka.error_destroy(error);
  return code;
}

const char *spacer_kafka_err2str(int error) { return spacer_kafka.err2str((rd_kafka_resp_err_t)error); }

// Clients

rd_kafka_conf_t *spacer_kafka_conf_new(void) { return spacer_kafka.conf_new(); }
void spacer_kafka_conf_destroy(rd_kafka_conf_t *conf) { spacer_kafka.conf_destroy(conf); }

int spacer_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *text,
                          size_t text_bytes) {
  return spacer_kafka.conf_set(conf, name, value, text, text_bytes) == RD_KAFKA_CONF_OK ? 0 : -1;
}

int spacer_kafka_conf_get(const rd_kafka_conf_t *conf, const char *name, char *text, size_t text_bytes) {
  size_t bytes = text_bytes;
  return spacer_kafka.conf_get(conf, name, text, &bytes) == RD_KAFKA_CONF_OK && bytes <= text_bytes;
}

/// The library's log would go to standard error, and says nothing that its events do not.
static void drop_log(const rd_kafka_t *client, int level, const char *facility, const char *text) {
  (void)client, (void)level, (void)facility, (void)text;
}

rd_kafka_t *spacer_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, int events, char *text,
                             size_t text_bytes) {
  spacer_kafka.conf_set_log_cb(conf, drop_log);
  spacer_kafka.conf_set_events(conf, events);
  rd_kafka_t *client = spacer_kafka.new(type, conf, text, text_bytes);
  if (client == NULL) spacer_kafka.conf_destroy(conf);
  return client;
}

void spacer_kafka_destroy(rd_kafka_t *client) {
  spacer_kafka.destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

// Queues and events

rd_kafka_queue_t *spacer_kafka_queue_new(rd_kafka_t *client) { return spacer_kafka.queue_new(client); }
rd_kafka_queue_t *spacer_kafka_queue_get_main(rd_kafka_t *client) { return spacer_kafka.queue_get_main(client); }
rd_kafka_queue_t *spacer_kafka_queue_get_consumer(rd_kafka_t *client) {
  return spacer_kafka.queue_get_consumer(client);
}
void spacer_kafka_queue_yield(rd_kafka_queue_t *queue) { spacer_kafka.queue_yield(queue); }
void spacer_kafka_queue_destroy(rd_kafka_queue_t *queue) { spacer_kafka.queue_destroy(queue); }

void spacer_kafka_queue_signal(rd_kafka_queue_t *queue, int descriptor) {
  uint64_t one = 1;
  spacer_kafka.queue_io_event_enable(queue, descriptor, &one, sizeof one);
}

rd_kafka_event_t *spacer_kafka_queue_poll(rd_kafka_queue_t *queue, int milliseconds) {
  return spacer_kafka.queue_poll(queue, milliseconds);
}
int spacer_kafka_event_type(const rd_kafka_event_t *event) { return spacer_kafka.event_type(event); }
void spacer_kafka_event_destroy(rd_kafka_event_t *event) { spacer_kafka.event_destroy(event); }
int spacer_kafka_event_error(rd_kafka_event_t *event) { return (int)spacer_kafka.event_error(event); }
const char *spacer_kafka_event_error_string(rd_kafka_event_t *event) {
  return spacer_kafka.event_error_string(event);
}
int spacer_kafka_event_error_is_fatal(rd_kafka_event_t *event) {
  return spacer_kafka.event_error_is_fatal(event);
}
rd_kafka_topic_partition_list_t *spacer_kafka_event_partitions(rd_kafka_event_t *event) {
  return spacer_kafka.event_topic_partition_list(event);
}

int spacer_kafka_event_partition(rd_kafka_event_t *event, int32_t *partition, int64_t *offset) {
  rd_kafka_topic_partition_t *place = spacer_kafka.event_topic_partition(event);
  if (place == NULL) return 0;
  *partition = place->partition;
  *offset = place->offset;
  spacer_kafka.topic_partition_destroy(place);
  return 1;
}

// Producing

rd_kafka_topic_t *spacer_kafka_topic_new(rd_kafka_t *client, const char *name) {
  return spacer_kafka.topic_new(client, name, NULL);
}
void spacer_kafka_topic_destroy(rd_kafka_topic_t *topic) { spacer_kafka.topic_destroy(topic); }

int spacer_kafka_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const spacer_kafka_message *message) {
  rd_kafka_headers_t *headers = NULL;
  if (message->is_json || message->trace != NULL || message->id != NULL) {
    headers = spacer_kafka.headers_new(3);
    if (message->trace != NULL) {
      spacer_kafka.header_add(headers, "traceparent", 11, message->trace, (ssize_t)message->trace_count);
    }
    if (message->id != NULL) {
      spacer_kafka.header_add(headers, "spacer-id", 9, message->id, (ssize_t)message->id_count);
    }
    if (message->is_json) {
      spacer_kafka.header_add(headers, "spacer-type", 11, "application/json", 16);
    }
  }
  // What the macros of the header make, without the check that needs the type of each argument.
  rd_kafka_resp_err_t error = spacer_kafka.producev(
      client, RD_KAFKA_VTYPE_RKT, topic, RD_KAFKA_VTYPE_KEY, message->key == NULL ? "" : message->key, message->key_count, RD_KAFKA_VTYPE_VALUE,
      (void *)message->value, message->value_count, RD_KAFKA_VTYPE_MSGFLAGS, (int)RD_KAFKA_MSG_F_COPY,
      RD_KAFKA_VTYPE_OPAQUE, (void *)(uintptr_t)message->opaque,
      headers == NULL ? RD_KAFKA_VTYPE_END : RD_KAFKA_VTYPE_HEADERS, headers, RD_KAFKA_VTYPE_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL) spacer_kafka.headers_destroy(headers);
  return (int)error;
}

size_t spacer_kafka_event_deliveries(rd_kafka_event_t *event, spacer_kafka_delivery *deliveries, size_t max) {
  const rd_kafka_message_t *messages[256];
  size_t count = spacer_kafka.event_message_array(event, messages, max < 256 ? max : 256);
  for (size_t i = 0; i < count; i++) {
    deliveries[i] = (spacer_kafka_delivery){
        .opaque = (uint64_t)(uintptr_t)messages[i]->_private,
        .offset = messages[i]->offset,
        .error = (int)messages[i]->err,
        .may_be_stored = spacer_kafka.message_status(messages[i]) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED,
    };
  }
  return count;
}

int spacer_kafka_outq_len(rd_kafka_t *client) { return spacer_kafka.outq_len(client); }
void spacer_kafka_purge(rd_kafka_t *client) {
  spacer_kafka.purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

// Lists of partitions

rd_kafka_topic_partition_list_t *spacer_kafka_list_new(int count) {
  return spacer_kafka.topic_partition_list_new(count);
}
rd_kafka_topic_partition_list_t *spacer_kafka_list_copy(const rd_kafka_topic_partition_list_t *list) {
  return spacer_kafka.topic_partition_list_copy(list);
}
void spacer_kafka_list_destroy(rd_kafka_topic_partition_list_t *list) {
  spacer_kafka.topic_partition_list_destroy(list);
}
void spacer_kafka_list_add(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition,
                           int64_t offset) {
  spacer_kafka.topic_partition_list_add(list, topic, partition)->offset = offset;
}

// Consuming

int spacer_kafka_poll_set_consumer(rd_kafka_t *client) { return (int)spacer_kafka.poll_set_consumer(client); }
int spacer_kafka_subscribe(rd_kafka_t *client, rd_kafka_topic_partition_list_t *topics) {
  return (int)spacer_kafka.subscribe(client, topics);
}
int spacer_kafka_assign(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions) {
  return (int)spacer_kafka.assign(client, partitions);
}
int spacer_kafka_incremental_assign(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions) {
  return take_error(spacer_kafka.incremental_assign(client, partitions));
}
int spacer_kafka_incremental_unassign(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions) {
  return take_error(spacer_kafka.incremental_unassign(client, partitions));
}
int spacer_kafka_assignment_lost(rd_kafka_t *client) { return spacer_kafka.assignment_lost(client); }
int spacer_kafka_pause_partitions(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions) {
  return (int)spacer_kafka.pause_partitions(client, partitions);
}
int spacer_kafka_resume_partitions(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions) {
  return (int)spacer_kafka.resume_partitions(client, partitions);
}
int spacer_kafka_committed(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions, int milliseconds) {
  return (int)spacer_kafka.committed(client, partitions, milliseconds);
}
int spacer_kafka_commit(rd_kafka_t *client, rd_kafka_topic_partition_list_t *offsets,
                        rd_kafka_queue_t *queue) {
  return (int)spacer_kafka.commit_queue(client, offsets, queue, NULL, NULL);
}

int spacer_kafka_forward_partition(rd_kafka_t *client, const char *topic, int32_t partition,
                                   rd_kafka_queue_t *queue) {
  rd_kafka_queue_t *own = spacer_kafka.queue_get_partition(client, topic, partition);
  if (own == NULL) return RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
  spacer_kafka.queue_forward(own, queue);
  spacer_kafka.queue_destroy(own);
  return 0;
}

int spacer_kafka_consumer_close_queue(rd_kafka_t *client, rd_kafka_queue_t *queue) {
  return take_error(spacer_kafka.consumer_close_queue(client, queue));
}
int spacer_kafka_consumer_closed(rd_kafka_t *client) { return spacer_kafka.consumer_closed(client); }

int spacer_kafka_event_record(rd_kafka_event_t *event, spacer_kafka_record *record) {
  const rd_kafka_message_t *message = spacer_kafka.event_message_next(event);
  if (message == NULL) return 0;
  memset(record, 0, sizeof *record);
  record->topic = message->rkt == NULL ? "" : spacer_kafka.topic_name(message->rkt);
  record->partition = message->partition;
  record->offset = message->offset;
  record->error = (int)message->err;
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    record->error_text = spacer_kafka.message_errstr(message);
    return 1;
  }
  rd_kafka_timestamp_type_t type;
  record->timestamp = spacer_kafka.message_timestamp(message, &type);
  record->key = message->key;
  record->key_count = message->key_len;
  record->value = message->payload;
  record->value_count = message->len;
  rd_kafka_headers_t *headers;
  if (spacer_kafka.message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const void *bytes;
    size_t count;
    if (spacer_kafka.header_get_last(headers, "traceparent", &bytes, &count) == 0) {
      record->trace = bytes;
      record->trace_count = count;
    }
    if (spacer_kafka.header_get_last(headers, "spacer-id", &bytes, &count) == 0) {
      record->id = bytes;
      record->id_count = count;
    }
  }
  return 1;
}
