// Opening libcrypto, and what needs no key.
#include "library.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>

#include "ccrypto.h"

static spacer_crypto_library library;
static const char *failure;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_library(void) {
  // Never closed: keys and digests of all workers point into it.
  void *handle = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    failure = "OpenSSL's libcrypto.so.3 is missing: install the Debian package libssl3";
    return;
  }
#define SPACER_FIND(name)                                                             \
  if ((*(void **)&library.name = dlsym(handle, #name)) == NULL) {                     \
    failure = "libcrypto.so.3 has no " #name ": install a current Debian package libssl3"; \
    return;                                                                           \
  }
  SPACER_CRYPTO_FUNCTIONS(SPACER_FIND)
#undef SPACER_FIND
  // Worker threads may still be at work when the process ends: nothing is torn down then.
  if (!library.OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL)) {
    failure = "libcrypto.so.3 does not start: check OPENSSL_CONF and /etc/ssl/openssl.cnf";
    return;
  }
  static const char *const names[] = {"MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};
  for (int i = 0; i < SPACER_DIGEST_COUNT; i++) {
    library.digests[i] = library.EVP_MD_fetch(NULL, names[i], NULL);
  }
  library.ERR_clear_error();
}

const spacer_crypto_library *spacer_crypto_library_get(void) {
  pthread_once(&once, open_library);
  return failure == NULL ? &library : NULL;
}

int spacer_crypto_open(void) { return spacer_crypto_library_get() != NULL; }

const char *spacer_crypto_open_failure(void) { return failure != NULL ? failure : ""; }

size_t spacer_crypto_digest(int digest, const void *bytes, size_t count, uint8_t *out) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL || digest < 0 || digest >= SPACER_DIGEST_COUNT) return 0;
  unsigned int length = 0;
  if (crypto->digests[digest] == NULL ||
      !crypto->EVP_Digest(bytes, count, out, &length, crypto->digests[digest], NULL)) {
    crypto->ERR_clear_error();
    return 0;
  }
  return length;
}

size_t spacer_crypto_digest_pieces(
    int digest, const spacer_crypto_piece *pieces, size_t piece_count, uint8_t *out) {
  static const uint8_t zeros[64];
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL || digest < 0 || digest >= SPACER_DIGEST_COUNT || crypto->digests[digest] == NULL) return 0;
  EVP_MD_CTX *context = crypto->EVP_MD_CTX_new();
  if (context == NULL) return 0;
  unsigned int length = 0;
  int ok = crypto->EVP_DigestInit_ex(context, crypto->digests[digest], NULL);
  for (size_t i = 0; ok && i < piece_count; i++) {
    if (pieces[i].bytes != NULL) {
      ok = crypto->EVP_DigestUpdate(context, pieces[i].bytes, pieces[i].count);
      continue;
    }
    for (size_t left = pieces[i].count; ok && left > 0;) {
      size_t part = left < sizeof zeros ? left : sizeof zeros;
      ok = crypto->EVP_DigestUpdate(context, zeros, part);
      left -= part;
    }
  }
  ok = ok && crypto->EVP_DigestFinal_ex(context, out, &length);
  crypto->EVP_MD_CTX_free(context);
  if (!ok) crypto->ERR_clear_error();
  return ok ? length : 0;
}

size_t spacer_crypto_hmac(
    int digest, const void *key, size_t key_count, const void *bytes, size_t count, uint8_t *out) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL || digest < 0 || digest >= SPACER_DIGEST_COUNT || key_count > INT_MAX) return 0;
  unsigned int length = 0;
  if (crypto->digests[digest] == NULL ||
      crypto->HMAC(
          crypto->digests[digest], key_count == 0 ? "" : key, (int)key_count, bytes, count, out, &length) ==
          NULL) {
    crypto->ERR_clear_error();
    return 0;
  }
  return length;
}

int spacer_crypto_equal(const void *first, const void *second, size_t count) {
  const volatile uint8_t *a = first;
  const volatile uint8_t *b = second;
  uint8_t difference = 0;
  for (size_t i = 0; i < count; i++) difference |= a[i] ^ b[i];
  return difference == 0;
}

int spacer_crypto_scrypt(
    const void *password, size_t password_count, const void *salt, size_t salt_count, uint64_t n, uint64_t r,
    uint64_t p, uint64_t memory_bytes_max, uint8_t *out, size_t out_count) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL) return 0;
  int ok = crypto->EVP_PBE_scrypt(
      password_count == 0 ? "" : password, password_count, salt, salt_count, n, r, p, memory_bytes_max, out,
      out_count);
  if (!ok) crypto->ERR_clear_error();
  return ok;
}
