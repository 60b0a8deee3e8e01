// librdkafka, opened at run time: an application without Kafka loads none of it. All but `spacer_kafka_open` may
// be called only after that succeeded.
#pragma once
#include <librdkafka/rdkafka.h>

/// Opens the library, once a process. NULL on success, else why it cannot be used. From any thread.
const char *spacer_kafka_open(void);
