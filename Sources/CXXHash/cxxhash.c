#include "cxxhash.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t spacer_xxh3_64(const void *bytes, size_t length) { return XXH3_64bits(bytes, length); }

void *spacer_xxh3_begin(void) {
  XXH3_state_t *state = XXH3_createState();
  if (state != NULL) XXH3_64bits_reset(state);
  return state;
}

void spacer_xxh3_add(void *state, const void *bytes, size_t length) {
  if (length > 0) XXH3_64bits_update(state, bytes, length);
}

uint64_t spacer_xxh3_value(const void *state) { return XXH3_64bits_digest(state); }

void spacer_xxh3_end(void *state) { XXH3_freeState(state); }
