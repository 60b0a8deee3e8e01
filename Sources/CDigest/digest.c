// The low-level functions are marked deprecated in favour of an interface that loads providers; they are the
// ones that stand alone.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "cdigest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <unistd.h>

void spacer_sha256(
    const void *first, size_t first_bytes, const void *second, size_t second_bytes, unsigned char *digest) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, first, first_bytes);
  SHA256_Update(&context, second, second_bytes);
  SHA256_Final(digest, &context);
}

void spacer_hmac_sha256(
    const unsigned char *key, const void *message, size_t message_bytes, unsigned char *code) {
  unsigned char inner[SHA256_CBLOCK], outer[SHA256_CBLOCK];
  for (size_t i = 0; i < SHA256_CBLOCK; i++) {
    unsigned char byte = i < SPACER_DIGEST_BYTES ? key[i] : 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5C;
  }
  spacer_sha256(inner, sizeof(inner), message, message_bytes, code);
  spacer_sha256(outer, sizeof(outer), code, SPACER_DIGEST_BYTES, code);
  OPENSSL_cleanse(inner, sizeof(inner));
  OPENSSL_cleanse(outer, sizeof(outer));
}

int spacer_digests_equal(const unsigned char *a, const unsigned char *b) {
  return CRYPTO_memcmp(a, b, SPACER_DIGEST_BYTES) == 0;
}

int spacer_random(unsigned char *bytes, size_t count) { return getentropy(bytes, count) == 0; }
