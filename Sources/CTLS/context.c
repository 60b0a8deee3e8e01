// A certificate and its key as an SSL_CTX, and what all sessions have in common.
#define _GNU_SOURCE
#include "ctls.h"
#include "tls.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

// Forward secrecy and authenticated encryption only; every client since 2014 has one of these. TLS 1.3 has no
// others.
static const char *const ciphers_of_tls12 = "ECDHE+AESGCM:ECDHE+CHACHA20";

const char *spacer_tls_reason(void) {
  unsigned long code = tls.ERR_peek_last_error();
  const char *text = code ? tls.ERR_reason_error_string(code) : NULL;
  return text ? text : "unknown";
}

ptrdiff_t spacer_tls_find_http11(const unsigned char *offered, size_t count) {
  static const char wanted[] = "http/1.1";
  size_t length = sizeof(wanted) - 1;
  size_t at = 0;
  while (at < count) {
    size_t size = offered[at];
    if (size == 0 || size > count - at - 1) return -1;
    if (size == length && memcmp(offered + at + 1, wanted, length) == 0) return (ptrdiff_t)at;
    at += 1 + size;
  }
  return -1;
}

static int choose_protocol(
    SSL *session, const unsigned char **chosen, unsigned char *chosen_bytes, const unsigned char *offered,
    unsigned int count, void *context) {
  (void)session, (void)context;
  ptrdiff_t at = spacer_tls_find_http11(offered, count);
  // A client that speaks none of ours is told so: no_application_protocol.
  if (at < 0) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = offered + at + 1;
  *chosen_bytes = offered[at];
  return SSL_TLSEXT_ERR_OK;
}

static int refuse_password(char *buffer, int size, int is_for_writing, void *was_asked) {
  (void)buffer, (void)size, (void)is_for_writing;
  *(int *)was_asked = 1;
  return -1;
}

static spacer_tls_load_status note(spacer_tls_load_result *result, spacer_tls_load_status status) {
  result->status = status;
  snprintf(result->reason, sizeof(result->reason), "%s", spacer_tls_reason());
  return status;
}

// Whether the last PEM search came to the end of the file without having met anything of its kind.
static int is_at_end(void) {
  unsigned long code = tls.ERR_peek_last_error();
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static spacer_tls_load_status use_certificates(
    SSL_CTX *context, BIO *file, X509 *first, spacer_tls_load_result *result) {
  tls.ERR_clear_error();
  if (tls.SSL_CTX_use_certificate(context, first) != 1) return note(result, SPACER_TLS_UNUSABLE_CERTIFICATE);
  while (1) {
    X509 *issuer = tls.PEM_read_bio_X509(file, NULL, NULL, NULL);
    if (!issuer) break;
    // SSL_CTX_add0_chain_cert, which takes the certificate over.
    if (tls.SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, 0, issuer) != 1) {
      tls.X509_free(issuer);
      return note(result, SPACER_TLS_UNUSABLE_CERTIFICATE);
    }
  }
  if (!is_at_end()) return note(result, SPACER_TLS_BAD_CERTIFICATE);
  tls.ERR_clear_error();
  if (tls.X509_cmp_current_time(tls.X509_get0_notAfter(first)) < 0) {
    result->validity = SPACER_TLS_EXPIRED;
  } else if (tls.X509_cmp_current_time(tls.X509_get0_notBefore(first)) > 0) {
    result->validity = SPACER_TLS_NOT_YET_VALID;
  }
  return SPACER_TLS_LOADED;
}

static spacer_tls_load_status use_key(
    SSL_CTX *context, BIO *file, X509 *certificate, spacer_tls_load_result *result) {
  int was_asked = 0;
  tls.ERR_clear_error();
  EVP_PKEY *key = tls.PEM_read_bio_PrivateKey(file, NULL, refuse_password, &was_asked);
  if (!key) return note(result, was_asked ? SPACER_TLS_ENCRYPTED_KEY : SPACER_TLS_BAD_KEY);
  spacer_tls_load_status status = SPACER_TLS_LOADED;
  if (tls.X509_check_private_key(certificate, key) != 1) {
    status = note(result, SPACER_TLS_MISMATCH);
  } else if (tls.SSL_CTX_use_PrivateKey(context, key) != 1) {
    status = note(result, SPACER_TLS_UNUSABLE_KEY);
  }
  tls.EVP_PKEY_free(key);
  return status;
}

static int configure(SSL_CTX *context) {
  tls.SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                   SSL_OP_PRIORITIZE_CHACHA);
  // An idle connection keeps no buffers, and the bytes to encrypt may have moved between two calls.
  tls.SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, NULL);
  // Sessions resume by tickets, whose keys the context holds for all workers; nothing is kept here.
  tls.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
  tls.SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
  static const unsigned char name[] = "spacer";
  return tls.SSL_CTX_set_session_id_context(context, name, sizeof(name) - 1) == 1 &&
         tls.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL) == 1 &&
         tls.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, 0, NULL) == 1 &&
         tls.SSL_CTX_set_cipher_list(context, ciphers_of_tls12) == 1;
}

spacer_tls_context *spacer_tls_context_new(
    const void *certificate, size_t certificate_bytes, const void *key, size_t key_bytes,
    spacer_tls_load_result *result) {
  memset(result, 0, sizeof(*result));
  const char *missing = tls_open();
  if (missing) {
    result->status = SPACER_TLS_NO_LIBRARY;
    snprintf(result->reason, sizeof(result->reason), "%s", missing);
    return NULL;
  }
  if (certificate_bytes > INT_MAX || key_bytes > INT_MAX) {
    result->status = SPACER_TLS_FAILURE;
    return NULL;
  }
  // OpenSSL only says that it found nothing it supports.
  static const char mark[] = "PRIVATE KEY-----";
  if (!memmem(key, key_bytes, mark, sizeof(mark) - 1)) result->status = SPACER_TLS_NO_KEY;
  tls.ERR_clear_error();
  SSL_CTX *context = tls.SSL_CTX_new(tls.TLS_server_method());
  BIO *certificate_file = tls.BIO_new_mem_buf(certificate, (int)certificate_bytes);
  BIO *key_file = tls.BIO_new_mem_buf(key, (int)key_bytes);
  X509 *first = NULL;
  if (!context || !certificate_file || !key_file || !configure(context)) {
    note(result, SPACER_TLS_FAILURE);
  } else if (!(first = tls.PEM_read_bio_X509_AUX(certificate_file, NULL, refuse_password, &(int){0}))) {
    note(result, is_at_end() ? SPACER_TLS_NO_CERTIFICATE : SPACER_TLS_BAD_CERTIFICATE);
  } else if (use_certificates(context, certificate_file, first, result) == SPACER_TLS_LOADED &&
             result->status == SPACER_TLS_LOADED) {
    use_key(context, key_file, first, result);
  }
  tls.X509_free(first);
  tls.BIO_free(key_file);
  tls.BIO_free(certificate_file);
  tls.ERR_clear_error();
  if (result->status == SPACER_TLS_LOADED) return (spacer_tls_context *)context;
  tls.SSL_CTX_free(context);
  return NULL;
}

void spacer_tls_context_free(spacer_tls_context *context) { tls.SSL_CTX_free((SSL_CTX *)context); }
