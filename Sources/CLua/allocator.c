// Lua's memory. Small blocks come from lists by size, carved out of larger chunks: Lua says a block's size
// when it gives it back, so no block needs a header, and one thread alone uses a state, so no lock. Larger
// blocks come from malloc.
//
// Invariants: a block of up to `SPACER_SMALL_BYTES_MAX` bytes always belongs to the list of its size class;
// chunks go back to the system when the state is closed.
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

enum {
  granularity = 16,
  chunk_bytes = 64 * 1024,
};

/// What a chunk begins with; blocks follow, aligned like it.
typedef struct chunk {
  struct chunk *next;
  char pad[granularity - sizeof(struct chunk *)];
} chunk;

static size_t class_of(size_t bytes) { return (bytes + granularity - 1) / granularity - 1; }

static int is_small(size_t bytes) { return bytes <= SPACER_SMALL_BYTES_MAX; }

static void *carve(spacer_host *host, size_t bytes) {
  if (host->chunk_left < bytes) {
    chunk *fresh = malloc(chunk_bytes);
    if (fresh == NULL) return NULL;
    fresh->next = host->chunks;
    host->chunks = fresh;
    host->chunk_free = (char *)(fresh + 1);
    host->chunk_left = chunk_bytes - sizeof(chunk);
  }
  void *block = host->chunk_free;
  host->chunk_free += bytes;
  host->chunk_left -= bytes;
  return block;
}

static void *take(spacer_host *host, size_t bytes) {
  if (!is_small(bytes)) return malloc(bytes);
  size_t class = class_of(bytes);
  void *block = host->free_blocks[class];
  if (block == NULL) return carve(host, (class + 1) * granularity);
  host->free_blocks[class] = *(void **)block;
  return block;
}

static void give_back(spacer_host *host, void *block, size_t bytes) {
  if (!is_small(bytes)) {
    free(block);
    return;
  }
  size_t class = class_of(bytes);
  *(void **)block = host->free_blocks[class];
  host->free_blocks[class] = block;
}

static void *resize(spacer_host *host, void *block, size_t old_size, size_t new_size) {
  int both_large = !is_small(old_size) && !is_small(new_size);
  if (both_large) return realloc(block, new_size);
  if (is_small(old_size) && is_small(new_size) && class_of(old_size) == class_of(new_size)) return block;
  void *moved = take(host, new_size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, old_size < new_size ? old_size : new_size);
  give_back(host, block, old_size);
  return moved;
}

void *spacer_allocate(void *context, void *block, size_t old_size, size_t new_size) {
  spacer_host *host = context;
  // For a new block `old_size` tells the kind of object.
  size_t held = block != NULL ? old_size : 0;
  if (new_size == 0) {
    if (block != NULL && held > 0) give_back(host, block, held);
    host->memory_bytes -= held;
    return NULL;
  }
  if (new_size > held && host->enforces_memory &&
      host->memory_bytes + (new_size - held) > host->memory_bytes_max) {
    return NULL;
  }
  void *result = held > 0 ? resize(host, block, held, new_size) : take(host, new_size);
  if (result == NULL) return NULL;
  host->memory_bytes += new_size - held;
  return result;
}

void spacer_free_blocks(spacer_host *host) {
  chunk *next = host->chunks;
  while (next != NULL) {
    chunk *gone = next;
    next = next->next;
    free(gone);
  }
  host->chunks = NULL;
  memset(host->free_blocks, 0, sizeof host->free_blocks);
  host->chunk_left = 0;
}
