#include "table.h"

#include <stdio.h>
#include <string.h>

int spacer_kafka_offsets_for_times(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions,
                                   int milliseconds) {
  return (int)spacer_kafka.offsets_for_times(client, partitions, milliseconds);
}

int spacer_kafka_metadata(rd_kafka_t *client, const struct rd_kafka_metadata **metadata, int milliseconds) {
  return (int)spacer_kafka.metadata(client, 1, NULL, metadata, milliseconds);
}
void spacer_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata) {
  spacer_kafka.metadata_destroy(metadata);
}

/// One request of the admin interface: its options and the queue that its result comes to.
struct operation {
  rd_kafka_queue_t *queue;
  rd_kafka_AdminOptions_t *options;
  int milliseconds;
};

static struct operation begin(rd_kafka_t *client, rd_kafka_admin_op_t kind, int milliseconds) {
  char text[256];
  struct operation operation = {spacer_kafka.queue_new(client), spacer_kafka.AdminOptions_new(client, kind),
                                milliseconds};
  if (operation.options != NULL) {
    spacer_kafka.AdminOptions_set_request_timeout(operation.options, milliseconds, text, sizeof text);
  }
  return operation;
}

/// Waits for the result and ends the operation. 0 with an event that the caller destroys, or an error.
static int end(struct operation operation, rd_kafka_event_t **event, char *text, size_t text_bytes) {
  // The request's own time-out ends first, and says more.
  *event = spacer_kafka.queue_poll(operation.queue, operation.milliseconds + 1000);
  if (operation.options != NULL) spacer_kafka.AdminOptions_destroy(operation.options);
  spacer_kafka.queue_destroy(operation.queue);
  if (*event == NULL) {
    snprintf(text, text_bytes, "no answer in time");
    return RD_KAFKA_RESP_ERR__TIMED_OUT;
  }
  int error = (int)spacer_kafka.event_error(*event);
  if (error != 0) {
    snprintf(text, text_bytes, "%s", spacer_kafka.event_error_string(*event));
    spacer_kafka.event_destroy(*event);
    *event = NULL;
  }
  return error;
}

int spacer_kafka_create_topic(rd_kafka_t *client, const spacer_kafka_new_topic *topic, int milliseconds, char *text,
                              size_t text_bytes) {
  rd_kafka_NewTopic_t *created =
      spacer_kafka.NewTopic_new(topic->name, topic->partitions, topic->replicas, text, text_bytes);
  if (created == NULL) return RD_KAFKA_RESP_ERR__INVALID_ARG;
  if (topic->retention_milliseconds != NULL) {
    spacer_kafka.NewTopic_set_config(created, "retention.ms", topic->retention_milliseconds);
  }
  if (topic->cleanup_policy != NULL) {
    spacer_kafka.NewTopic_set_config(created, "cleanup.policy", topic->cleanup_policy);
  }
  struct operation operation = begin(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, milliseconds);
  if (operation.options != NULL) {
    // The answer then comes when all brokers know the topic.
    spacer_kafka.AdminOptions_set_operation_timeout(operation.options, milliseconds, text, text_bytes);
  }
  spacer_kafka.CreateTopics(client, &created, 1, operation.options, operation.queue);
  spacer_kafka.NewTopic_destroy(created);
  rd_kafka_event_t *event;
  int error = end(operation, &event, text, text_bytes);
  if (error != 0) return error;
  size_t count = 0;
  const rd_kafka_CreateTopics_result_t *result = spacer_kafka.event_CreateTopics_result(event);
  const rd_kafka_topic_result_t **topics =
      result == NULL ? NULL : spacer_kafka.CreateTopics_result_topics(result, &count);
  for (size_t i = 0; i < count; i++) {
    int failure = (int)spacer_kafka.topic_result_error(topics[i]);
    if (failure == 0 || failure == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    const char *reason = spacer_kafka.topic_result_error_string(topics[i]);
    snprintf(text, text_bytes, "%s", reason != NULL ? reason : spacer_kafka_err2str(failure));
    error = failure;
  }
  spacer_kafka.event_destroy(event);
  return error;
}

int spacer_kafka_list_groups(rd_kafka_t *client, int milliseconds, void *context,
                             void (*each)(void *context, const char *group), char *text, size_t text_bytes) {
  struct operation operation = begin(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, milliseconds);
  spacer_kafka.ListConsumerGroups(client, operation.options, operation.queue);
  rd_kafka_event_t *event;
  int error = end(operation, &event, text, text_bytes);
  if (error != 0) return error;
  size_t count = 0;
  const rd_kafka_ListConsumerGroups_result_t *result = spacer_kafka.event_ListConsumerGroups_result(event);
  const rd_kafka_ConsumerGroupListing_t **groups =
      result == NULL ? NULL : spacer_kafka.ListConsumerGroups_result_valid(result, &count);
  for (size_t i = 0; i < count; i++) each(context, spacer_kafka.ConsumerGroupListing_group_id(groups[i]));
  spacer_kafka.event_destroy(event);
  return 0;
}

/// The group's own error of a result that has one for each group.
static int group_error(const rd_kafka_error_t *error, char *text, size_t text_bytes) {
  if (error == NULL) return 0;
  int code = (int)spacer_kafka.error_code(error);
  if (code != 0) snprintf(text, text_bytes, "%s", spacer_kafka.error_string(error));
  return code;
}

int spacer_kafka_group_offsets(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *partitions,
                               int milliseconds, char *text, size_t text_bytes) {
  rd_kafka_ListConsumerGroupOffsets_t *request = spacer_kafka.ListConsumerGroupOffsets_new(group, partitions);
  struct operation operation = begin(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, milliseconds);
  spacer_kafka.ListConsumerGroupOffsets(client, &request, 1, operation.options, operation.queue);
  spacer_kafka.ListConsumerGroupOffsets_destroy(request);
  rd_kafka_event_t *event;
  int error = end(operation, &event, text, text_bytes);
  if (error != 0) return error;
  size_t count = 0;
  const rd_kafka_ListConsumerGroupOffsets_result_t *result =
      spacer_kafka.event_ListConsumerGroupOffsets_result(event);
  const rd_kafka_group_result_t **groups =
      result == NULL ? NULL : spacer_kafka.ListConsumerGroupOffsets_result_groups(result, &count);
  for (int i = 0; i < partitions->cnt; i++) partitions->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
  for (size_t g = 0; g < count && error == 0; g++) {
    error = group_error(spacer_kafka.group_result_error(groups[g]), text, text_bytes);
    const rd_kafka_topic_partition_list_t *list = spacer_kafka.group_result_partitions(groups[g]);
    // The answer has an order of its own.
    for (int i = 0; list != NULL && i < list->cnt; i++) {
      for (int j = 0; j < partitions->cnt; j++) {
        if (partitions->elems[j].partition == list->elems[i].partition &&
            strcmp(partitions->elems[j].topic, list->elems[i].topic) == 0) {
          partitions->elems[j].offset = list->elems[i].offset;
        }
      }
    }
  }
  spacer_kafka.event_destroy(event);
  return error;
}

int spacer_kafka_group_owners(rd_kafka_t *client, const char *group, int milliseconds, void *context,
                              void (*each)(void *context, const char *topic, int32_t partition, const char *member),
                              char *text, size_t text_bytes) {
  struct operation operation = begin(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, milliseconds);
  spacer_kafka.DescribeConsumerGroups(client, &group, 1, operation.options, operation.queue);
  rd_kafka_event_t *event;
  int error = end(operation, &event, text, text_bytes);
  if (error != 0) return error;
  size_t count = 0;
  const rd_kafka_DescribeConsumerGroups_result_t *result = spacer_kafka.event_DescribeConsumerGroups_result(event);
  const rd_kafka_ConsumerGroupDescription_t **groups =
      result == NULL ? NULL : spacer_kafka.DescribeConsumerGroups_result_groups(result, &count);
  for (size_t g = 0; g < count; g++) {
    error = group_error(spacer_kafka.ConsumerGroupDescription_error(groups[g]), text, text_bytes);
    if (error != 0) break;
    size_t members = spacer_kafka.ConsumerGroupDescription_member_count(groups[g]);
    for (size_t m = 0; m < members; m++) {
      const rd_kafka_MemberDescription_t *member = spacer_kafka.ConsumerGroupDescription_member(groups[g], m);
      const rd_kafka_MemberAssignment_t *assignment = spacer_kafka.MemberDescription_assignment(member);
      const rd_kafka_topic_partition_list_t *list =
          assignment == NULL ? NULL : spacer_kafka.MemberAssignment_partitions(assignment);
      for (int i = 0; list != NULL && i < list->cnt; i++) {
        each(context, list->elems[i].topic, list->elems[i].partition,
             spacer_kafka.MemberDescription_client_id(member));
      }
    }
  }
  spacer_kafka.event_destroy(event);
  return error;
}
