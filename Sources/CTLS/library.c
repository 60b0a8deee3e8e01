// Opening OpenSSL, and the BIO through which its sessions read and write memory.
#include "ctls.h"
#include "tls.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

tls_library tls;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[256];

void spacer_tls_io_release(spacer_tls_io *io) {
  free(io->out);
  memset(io, 0, sizeof(*io));
}

// Reads what is there; with nothing there it asks to be called again.
static int io_read(BIO *bio, char *bytes, int count) {
  spacer_tls_io *io = tls.BIO_get_data(bio);
  tls.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  if (count <= 0) return 0;
  if (io->in_count == 0) {
    tls.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
    return -1;
  }
  size_t taken = (size_t)count < io->in_count ? (size_t)count : io->in_count;
  memcpy(bytes, io->in, taken);
  io->in += taken;
  io->in_count -= taken;
  return (int)taken;
}

// Takes everything: how much is encrypted at a time is up to the caller.
static int io_write(BIO *bio, const char *bytes, int count) {
  spacer_tls_io *io = tls.BIO_get_data(bio);
  tls.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  if (count <= 0) return 0;
  size_t needed = io->out_count + (size_t)count;
  if (needed > io->out_capacity) {
    size_t capacity = io->out_capacity * 2 > needed ? io->out_capacity * 2 : needed;
    unsigned char *larger = realloc(io->out, capacity);
    if (!larger) return -1;
    io->out = larger;
    io->out_capacity = capacity;
  }
  memcpy(io->out + io->out_count, bytes, (size_t)count);
  io->out_count = needed;
  return count;
}

static long io_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static void fail(const char *reason) {
  strncpy(failure, reason ? reason : "unknown", sizeof(failure) - 1);
}

static void open_library(void) {
  void *ssl = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  void *crypto = ssl ? dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!crypto) {
    fail(dlerror());
    return;
  }
#define LOAD(handle, name) \
  tls.name = (__typeof__(tls.name))dlsym(handle, #name); \
  if (!tls.name) { \
    fail(dlerror()); \
    return; \
  }
#define LOAD_SSL(name) LOAD(ssl, name)
#define LOAD_CRYPTO(name) LOAD(crypto, name)
  TLS_FUNCTIONS(LOAD_SSL, LOAD_CRYPTO)
  // The process ends while threads still run: nothing may be torn down under them.
  if (!tls.OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL)) {
    fail("OpenSSL does not start");
    return;
  }
  tls.method = tls.BIO_meth_new(tls.BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "spacer");
  if (!tls.method || !tls.BIO_meth_set_read(tls.method, io_read) ||
      !tls.BIO_meth_set_write(tls.method, io_write) || !tls.BIO_meth_set_ctrl(tls.method, io_control)) {
    fail("no memory");
  }
}

const char *tls_open(void) {
  pthread_once(&once, open_library);
  return failure[0] ? failure : NULL;
}
