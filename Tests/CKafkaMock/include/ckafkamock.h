// librdkafka's mock cluster, for tests: brokers in this process that speak the protocol and fail when told. What
// it lacks: creating topics, listing and describing groups, offsets by time, compaction, sequence numbers.
#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

/// A cluster with the client that it lives in.
typedef struct {
  rd_kafka_t *client;
  rd_kafka_mock_cluster_t *cluster;
} spacer_kafka_mock;

/// NULL cluster when the library is missing or refuses.
spacer_kafka_mock spacer_kafka_mock_start(int brokers);
void spacer_kafka_mock_stop(spacer_kafka_mock mock);
/// Where clients connect; valid until the end.
const char *spacer_kafka_mock_bootstraps(spacer_kafka_mock mock);
int spacer_kafka_mock_create_topic(spacer_kafka_mock mock, const char *topic, int partitions, int replicas);
/// Has the next requests of a kind fail, one each; RD_KAFKA_RESP_ERR__TRANSPORT disconnects. None: as before.
void spacer_kafka_mock_fail(spacer_kafka_mock mock, int16_t request, const rd_kafka_resp_err_t *errors, size_t count);
/// Milliseconds that all answers take. Broker -1: all of them.
int spacer_kafka_mock_delay(spacer_kafka_mock mock, int32_t broker, int milliseconds);
int spacer_kafka_mock_lead(spacer_kafka_mock mock, const char *topic, int32_t partition, int32_t broker);

/// Writes the headers of a topic's first message, of any cluster, to `text`: a line NAME=VALUE each. 0 on success.
int spacer_kafka_first_headers(const char *brokers, const char *topic, char *text, size_t text_bytes);
/// Appends a message to a topic of one partition in a transaction, which leaves its mark behind it. 0 on success.
int spacer_kafka_transact(const char *brokers, const char *topic, const char *value);
/// Commits an offset of a topic's first partition for a group that has no members. 0 on success.
int spacer_kafka_commit_offset(const char *brokers, const char *group, const char *topic, int64_t offset);
