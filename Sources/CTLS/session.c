// One connection's SSL over the memory of its thread's `spacer_tls_io`.
//
// The queue of errors is the thread's, and SSL_get_error looks at it: each call begins with an empty one.
#include "ctls.h"
#include "tls.h"

spacer_tls_session *spacer_tls_session_new(spacer_tls_context *context, spacer_tls_io *io) {
  SSL *session = tls.SSL_new((SSL_CTX *)context);
  BIO *bio = session ? tls.BIO_new(tls.method) : NULL;
  if (!bio) {
    tls.SSL_free(session);
    tls.ERR_clear_error();
    return NULL;
  }
  tls.BIO_set_data(bio, io);
  tls.BIO_set_init(bio, 1);
  tls.SSL_set_bio(session, bio, bio);
  tls.SSL_set_accept_state(session);
  return (spacer_tls_session *)session;
}

void spacer_tls_session_free(spacer_tls_session *session) { tls.SSL_free((SSL *)session); }

spacer_tls_read_status spacer_tls_read(spacer_tls_session *session, void *bytes, size_t count, size_t *done) {
  tls.ERR_clear_error();
  *done = 0;
  int result = tls.SSL_read_ex((SSL *)session, bytes, count, done);
  if (result == 1) return SPACER_TLS_DONE;
  switch (tls.SSL_get_error((SSL *)session, result)) {
  case SSL_ERROR_WANT_READ: return SPACER_TLS_STARVED;
  case SSL_ERROR_ZERO_RETURN: return SPACER_TLS_ENDED;
  default: return SPACER_TLS_BROKEN;
  }
}

int spacer_tls_write(spacer_tls_session *session, const void *bytes, size_t count) {
  tls.ERR_clear_error();
  size_t written = 0;
  return tls.SSL_write_ex((SSL *)session, bytes, count, &written) == 1 && written == count;
}

void spacer_tls_finish(spacer_tls_session *session) {
  tls.ERR_clear_error();
  tls.SSL_shutdown((SSL *)session);
}

int spacer_tls_is_established(const spacer_tls_session *session) {
  return tls.SSL_is_init_finished((const SSL *)session);
}
