// SHA-256 and HMAC-SHA256 over OpenSSL's block functions, linked from its static library: what the build
// cache needs, without loading a shared library at each start.
#pragma once
#include <stddef.h>

#define SPACER_DIGEST_BYTES 32

// The digest of `first` followed by `second`; either may be empty.
void spacer_sha256(
    const void *first, size_t first_bytes, const void *second, size_t second_bytes, unsigned char *digest);
// The code of `message` under a key of SPACER_DIGEST_BYTES bytes.
void spacer_hmac_sha256(
    const unsigned char *key, const void *message, size_t message_bytes, unsigned char *code);
// Whether two digests are equal, in time that does not depend on where they differ.
int spacer_digests_equal(const unsigned char *a, const unsigned char *b);
// Fills `bytes` from the system's generator; returns 0 when that fails. At most 256 bytes.
int spacer_random(unsigned char *bytes, size_t count);
