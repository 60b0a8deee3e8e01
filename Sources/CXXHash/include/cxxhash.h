// XXH3 of libxxhash, compiled in: the header alone is used, so nothing is linked.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "bytemask.h"

/// XXH3, 64 bits, seed 0, of `length` bytes.
uint64_t spacer_xxh3_64(const void *bytes, size_t length);

/// The same of bytes that come in parts. NULL when there is no memory for it.
void *spacer_xxh3_begin(void);
void spacer_xxh3_add(void *state, const void *bytes, size_t length);
uint64_t spacer_xxh3_value(const void *state);
void spacer_xxh3_end(void *state);
