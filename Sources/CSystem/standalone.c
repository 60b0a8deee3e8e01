#include "csystem.h"

// A mark in the executable's own bytes: `spacer build --standalone` looks for the text in a copy of the file and
// writes the length of the whole file behind it. So a copy that has lost its end knows that it had one.
// Volatile: the value that counts is the one in the file.
static const volatile struct {
  char mark[24];
  uint64_t file_bytes;
} standalone __attribute__((used)) = {"spacer-standalone-marker", 0};

uint64_t spacer_standalone_file_bytes(void) { return standalone.file_bytes; }
