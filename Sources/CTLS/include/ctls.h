// The server side of TLS over memory. OpenSSL is opened when the first certificate is loaded and never linked,
// so that a server without TLS does not carry it. What a session takes and gives passes through a
// `spacer_tls_io` that all sessions of one thread share.
#pragma once
#include <stddef.h>

// The ciphertext of the call that is running. `in` is the caller's and is only advanced; `out` is grown here
// and given back with `spacer_tls_io_release`.
typedef struct {
  const unsigned char *in;
  size_t in_count;
  unsigned char *out;
  size_t out_count;
  size_t out_capacity;
} spacer_tls_io;

void spacer_tls_io_release(spacer_tls_io *io);

// A certificate with its key, shared by any number of threads.
typedef struct spacer_tls_context spacer_tls_context;
// One connection; belongs to one thread at a time.
typedef struct spacer_tls_session spacer_tls_session;

// Why there is no context; `spacer_tls_reason` may say more.
typedef enum {
  SPACER_TLS_LOADED = 0,
  SPACER_TLS_NO_LIBRARY,      // the reason is the dynamic linker's
  SPACER_TLS_NO_CERTIFICATE,  // no certificate in the file
  SPACER_TLS_BAD_CERTIFICATE, // one that cannot be read
  SPACER_TLS_UNUSABLE_CERTIFICATE, // one that is not safe, or of an unknown kind
  SPACER_TLS_NO_KEY,          // no private key in the file
  SPACER_TLS_ENCRYPTED_KEY,   // a password would be needed
  SPACER_TLS_BAD_KEY,         // one that cannot be read
  SPACER_TLS_UNUSABLE_KEY,    // one of an unknown kind
  SPACER_TLS_MISMATCH,        // the key is another certificate's
  SPACER_TLS_FAILURE,         // OpenSSL itself: out of memory
} spacer_tls_load_status;

// When a certificate is good, compared with now.
typedef enum { SPACER_TLS_VALID = 0, SPACER_TLS_NOT_YET_VALID, SPACER_TLS_EXPIRED } spacer_tls_validity;

typedef struct {
  spacer_tls_load_status status;
  spacer_tls_validity validity;
  char reason[256];
} spacer_tls_load_result;

// Makes a context from the bytes of two PEM files: the server's certificate, then those of its issuers, and
// the private key. NULL with a status on failure. The only function here that may be called first.
spacer_tls_context *spacer_tls_context_new(
    const void *certificate, size_t certificate_bytes, const void *key, size_t key_bytes,
    spacer_tls_load_result *result);
// Sessions that were made with it go on.
void spacer_tls_context_free(spacer_tls_context *context);

// A session whose calls use `io`, which must outlive it. NULL when there is no memory.
spacer_tls_session *spacer_tls_session_new(spacer_tls_context *context, spacer_tls_io *io);
void spacer_tls_session_free(spacer_tls_session *session);

typedef enum {
  SPACER_TLS_DONE = 0, // `done` bytes were decrypted
  SPACER_TLS_STARVED,  // `in` was used up
  SPACER_TLS_ENDED,    // the peer has said that it sends no more
  SPACER_TLS_BROKEN,   // what came is no TLS; an alert may be in `out`
} spacer_tls_read_status;

// Makes progress with the handshake and decrypts at most `count` bytes.
spacer_tls_read_status spacer_tls_read(spacer_tls_session *session, void *bytes, size_t count, size_t *done);
// Encrypts all bytes into `out`; 0 when that fails, for good.
int spacer_tls_write(spacer_tls_session *session, const void *bytes, size_t count);
// Puts the alert that ends our half into `out`.
void spacer_tls_finish(spacer_tls_session *session);
// Whether the handshake is done.
int spacer_tls_is_established(const spacer_tls_session *session);
// What went wrong in this thread's last failed call; never NULL.
const char *spacer_tls_reason(void);

// Chooses HTTP/1.1 from the list a client offers in ALPN (RFC 7301, section 3.1): its place in the list, or -1
// when it is not in it or the list is malformed.
ptrdiff_t spacer_tls_find_http11(const unsigned char *offered, size_t count);
