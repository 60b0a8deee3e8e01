// Finds a byte among 16 at once: the vector instruction for it has no name in Swift.
#pragma once
#include <stdint.h>
#include <string.h>

/// A bit for each of the 16 bytes at `bytes`, the first one's lowest, set where it equals `byte`.
static inline uint64_t spacer_byte_mask(const void *bytes, uint8_t byte) {
#if defined(__SSE2__)
  typedef char lanes __attribute__((vector_size(16)));
  lanes block;
  memcpy(&block, bytes, 16);
  const lanes equal = block == (lanes){} + (char)byte;
  return (uint64_t)(uint32_t)__builtin_ia32_pmovmskb128(equal);
#else
  uint64_t mask = 0;
  for (int half = 0; half < 2; half++) {
    uint64_t word;
    memcpy(&word, (const char *)bytes + 8 * half, 8);
    const uint64_t low = 0x7F7F7F7F7F7F7F7FULL;
    const uint64_t difference = word ^ 0x0101010101010101ULL * byte;
    // 0x80 in each byte that is equal, exactly; then those bits gathered in the highest byte.
    const uint64_t equal = ~(((difference & low) + low) | difference | low);
    mask |= (equal >> 7) * 0x0102040810204080ULL >> 56 << 8 * half;
  }
  return mask;
#endif
}
