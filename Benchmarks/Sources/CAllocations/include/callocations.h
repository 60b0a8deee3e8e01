// Counts heap allocations of the whole process by standing before the C library's allocator.
#pragma once
#include <stdint.h>

/// Allocations since the process started: malloc, calloc, realloc and the aligned forms.
uint64_t spacer_allocation_count(void);
