// The functions of librdkafka that this module uses, one pointer each, of the type that the header declares.
#pragma once
#include "ckafka.h"

#define SPACER_KAFKA_FUNCTIONS(X)                                                                          \
  X(conf_new) X(conf_destroy) X(conf_set) X(conf_get) X(conf_set_events) X(conf_set_log_cb) X(new)         \
  X(destroy_flags) X(err2str) X(topic_new) X(topic_destroy) X(topic_name) X(producev) X(headers_new)       \
  X(header_add) X(headers_destroy) X(header_get_last) X(message_headers) X(message_status)                 \
  X(message_timestamp) X(outq_len) X(purge) X(queue_new)       \
  X(queue_destroy) X(queue_get_main) X(queue_get_consumer) X(queue_get_partition) X(queue_forward)         \
  X(queue_io_event_enable) X(queue_poll) X(queue_yield) X(event_type) X(event_destroy) X(event_message_next)              \
  X(event_message_array) X(event_error) X(event_error_string) X(event_error_is_fatal) X(event_opaque)      \
  X(event_topic_partition_list) X(event_topic_partition) X(topic_partition_destroy) X(message_errstr) X(poll_set_consumer) X(subscribe) X(assign)              \
  X(incremental_assign) X(incremental_unassign) X(assignment_lost) X(pause_partitions)                     \
  X(resume_partitions) X(committed) X(commit_queue) X(consumer_close_queue) X(consumer_closed)             \
  X(offsets_for_times) X(metadata) X(metadata_destroy) X(topic_partition_list_new)                         \
  X(topic_partition_list_destroy) X(topic_partition_list_add) X(topic_partition_list_copy)                 \
  X(error_code) X(error_string) X(error_destroy) X(AdminOptions_new) X(AdminOptions_destroy)               \
  X(AdminOptions_set_request_timeout) X(AdminOptions_set_operation_timeout) X(NewTopic_new)                \
  X(NewTopic_set_config) X(NewTopic_destroy) X(CreateTopics) X(event_CreateTopics_result)                  \
  X(CreateTopics_result_topics) X(topic_result_error) X(topic_result_error_string) X(topic_result_name)    \
  X(ListConsumerGroups) X(event_ListConsumerGroups_result) X(ListConsumerGroups_result_valid)              \
  X(ConsumerGroupListing_group_id) X(ListConsumerGroupOffsets_new) X(ListConsumerGroupOffsets_destroy)     \
  X(ListConsumerGroupOffsets) X(event_ListConsumerGroupOffsets_result)                                     \
  X(ListConsumerGroupOffsets_result_groups) X(group_result_error) X(group_result_partitions)               \
  X(DescribeConsumerGroups) X(event_DescribeConsumerGroups_result) X(DescribeConsumerGroups_result_groups) \
  X(ConsumerGroupDescription_error) X(ConsumerGroupDescription_member_count)                               \
  X(ConsumerGroupDescription_member) X(MemberDescription_client_id) X(MemberDescription_assignment)        \
  X(MemberAssignment_partitions)

struct spacer_kafka_functions {
#define MEMBER(name) __typeof__(&rd_kafka_##name) name;
  SPACER_KAFKA_FUNCTIONS(MEMBER)
#undef MEMBER
};

/// Filled by `spacer_kafka_open`.
extern struct spacer_kafka_functions spacer_kafka;
