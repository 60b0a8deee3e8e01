// librdkafka, opened at run time: an application without Kafka loads none of it. All but `spacer_kafka_open` may
// be called only after that succeeded. Functions with the name of one of librdkafka's are that one; the others
// join calls whose in-between values Swift cannot hold. Callbacks are never used: what the library has to tell
// comes as events of a queue, so that none of its threads runs code of ours.
//
// Client and queue handles may be used from every thread; events and lists from one at a time.
#pragma once
#include <librdkafka/rdkafka.h>

/// Opens the library, once a process. NULL on success, else why it cannot be used. From any thread.
const char *spacer_kafka_open(void);
const char *spacer_kafka_err2str(int error);

// Clients

rd_kafka_conf_t *spacer_kafka_conf_new(void);
void spacer_kafka_conf_destroy(rd_kafka_conf_t *conf);
/// 0 on success, else `text` says why not.
int spacer_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *text,
                          size_t text_bytes);
/// The property's value as text; 0 when there is no such property.
int spacer_kafka_conf_get(const rd_kafka_conf_t *conf, const char *name, char *text, size_t text_bytes);
/// A client that writes nothing to standard error. `events` is a mask of RD_KAFKA_EVENT_…. Takes `conf` over, also
/// when it fails: then NULL, and `text` says why.
rd_kafka_t *spacer_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, int events, char *text,
                             size_t text_bytes);
/// Ends the client's threads. A consumer that was not closed does not leave its group.
void spacer_kafka_destroy(rd_kafka_t *client);

// Queues and events

rd_kafka_queue_t *spacer_kafka_queue_new(rd_kafka_t *client);
rd_kafka_queue_t *spacer_kafka_queue_get_main(rd_kafka_t *client);
rd_kafka_queue_t *spacer_kafka_queue_get_consumer(rd_kafka_t *client);
void spacer_kafka_queue_destroy(rd_kafka_queue_t *queue);
/// Has the queue write 8 bytes, the number 1, to a non-blocking descriptor when it stops being empty.
void spacer_kafka_queue_signal(rd_kafka_queue_t *queue, int descriptor);
/// Has a waiting `spacer_kafka_queue_poll` return. From any thread.
void spacer_kafka_queue_yield(rd_kafka_queue_t *queue);
rd_kafka_event_t *spacer_kafka_queue_poll(rd_kafka_queue_t *queue, int milliseconds);
int spacer_kafka_event_type(const rd_kafka_event_t *event);
void spacer_kafka_event_destroy(rd_kafka_event_t *event);
int spacer_kafka_event_error(rd_kafka_event_t *event);
const char *spacer_kafka_event_error_string(rd_kafka_event_t *event);
int spacer_kafka_event_error_is_fatal(rd_kafka_event_t *event);
/// Owned by the event; NULL where it has none.
rd_kafka_topic_partition_list_t *spacer_kafka_event_partitions(rd_kafka_event_t *event);
/// What an error is about: 0 when no partition's. At RD_KAFKA_RESP_ERR__PARTITION_EOF the offset is the end.
int spacer_kafka_event_partition(rd_kafka_event_t *event, int32_t *partition, int64_t *offset);

// Producing

rd_kafka_topic_t *spacer_kafka_topic_new(rd_kafka_t *client, const char *name);
void spacer_kafka_topic_destroy(rd_kafka_topic_t *topic);

/// A message to produce. Bytes are copied. A NULL value is a tombstone; a NULL header is not sent.
typedef struct {
  const void *key;
  size_t key_count;
  const void *value;
  size_t value_count;
  const void *trace;
  size_t trace_count;
  const void *id;
  size_t id_count;
  /// Not 0: the header spacer-type says that the value is JSON.
  int is_json;
  /// Comes back in the delivery.
  uint64_t opaque;
} spacer_kafka_message;

/// Puts a message into the client's queue; never blocks. 0, or an error: then nothing will be delivered.
int spacer_kafka_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const spacer_kafka_message *message);

/// What became of a message.
typedef struct {
  uint64_t opaque;
  int64_t offset;
  int error;
  /// Not 0 when the broker may have it all the same.
  int may_be_stored;
} spacer_kafka_delivery;

/// Takes deliveries out of an event of type RD_KAFKA_EVENT_DR; 0 when there are no more.
size_t spacer_kafka_event_deliveries(rd_kafka_event_t *event, spacer_kafka_delivery *deliveries, size_t max);
/// How many messages were not delivered yet.
int spacer_kafka_outq_len(rd_kafka_t *client);
/// Gives up everything that waits or is in flight; it is still delivered, as errors.
void spacer_kafka_purge(rd_kafka_t *client);

// Lists of partitions

rd_kafka_topic_partition_list_t *spacer_kafka_list_new(int count);
rd_kafka_topic_partition_list_t *spacer_kafka_list_copy(const rd_kafka_topic_partition_list_t *list);
void spacer_kafka_list_destroy(rd_kafka_topic_partition_list_t *list);
void spacer_kafka_list_add(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition,
                           int64_t offset);

// Consuming

/// Errors of the functions here are codes of librdkafka; 0 is success.
int spacer_kafka_poll_set_consumer(rd_kafka_t *client);
int spacer_kafka_subscribe(rd_kafka_t *client, rd_kafka_topic_partition_list_t *topics);
int spacer_kafka_assign(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions);
int spacer_kafka_incremental_assign(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions);
int spacer_kafka_incremental_unassign(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions);
int spacer_kafka_assignment_lost(rd_kafka_t *client);
int spacer_kafka_pause_partitions(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions);
int spacer_kafka_resume_partitions(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions);
int spacer_kafka_committed(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions, int milliseconds);
/// The outcome comes to `queue`, as an event of type RD_KAFKA_EVENT_OFFSET_COMMIT.
int spacer_kafka_commit(rd_kafka_t *client, rd_kafka_topic_partition_list_t *offsets,
                        rd_kafka_queue_t *queue);
/// Brings a partition's messages to `queue` instead of to the consumer's. Before the partition is assigned.
int spacer_kafka_forward_partition(rd_kafka_t *client, const char *topic, int32_t partition,
                                   rd_kafka_queue_t *queue);
int spacer_kafka_consumer_close_queue(rd_kafka_t *client, rd_kafka_queue_t *queue);
int spacer_kafka_consumer_closed(rd_kafka_t *client);

/// A message that was read; points into the event. `value` is NULL for a tombstone.
typedef struct {
  const char *topic;
  int32_t partition;
  int64_t offset;
  /// In milliseconds since 1970; -1 when there is none.
  int64_t timestamp;
  const uint8_t *key;
  size_t key_count;
  const uint8_t *value;
  size_t value_count;
  const uint8_t *trace;
  size_t trace_count;
  const uint8_t *id;
  size_t id_count;
  /// Not 0: no message, but what went wrong.
  int error;
  const char *error_text;
} spacer_kafka_record;

/// Reads an event of type RD_KAFKA_EVENT_FETCH. 0 when there is nothing in it.
int spacer_kafka_event_record(rd_kafka_event_t *event, spacer_kafka_record *record);

// Asking the cluster

/// Times in, offsets out; -1 and -2 as times are the end and the beginning.
int spacer_kafka_offsets_for_times(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions,
                                   int milliseconds);
/// All topics, so that asking creates none. Freed with `spacer_kafka_metadata_destroy`.
int spacer_kafka_metadata(rd_kafka_t *client, const struct rd_kafka_metadata **metadata, int milliseconds);
void spacer_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata);

/// A topic to create. Replicas: -1 leaves them to the cluster. NULL configurations are the cluster's.
typedef struct {
  const char *name;
  int partitions;
  int replicas;
  const char *retention_milliseconds;
  const char *cleanup_policy;
} spacer_kafka_new_topic;

/// Creates a topic and waits for it; an existing one is none of its errors.
int spacer_kafka_create_topic(rd_kafka_t *client, const spacer_kafka_new_topic *topic, int milliseconds, char *text,
                              size_t text_bytes);
/// Calls `each` with the id of every consumer group, before it returns.
int spacer_kafka_list_groups(rd_kafka_t *client, int milliseconds, void *context,
                             void (*each)(void *context, const char *group), char *text, size_t text_bytes);
/// Fills in what the group has committed, or RD_KAFKA_OFFSET_INVALID.
int spacer_kafka_group_offsets(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *partitions,
                               int milliseconds, char *text, size_t text_bytes);
/// Calls `each` with every partition that a member owns, before it returns.
int spacer_kafka_group_owners(rd_kafka_t *client, const char *group, int milliseconds, void *context,
                              void (*each)(void *context, const char *topic, int32_t partition, const char *member),
                              char *text, size_t text_bytes);
