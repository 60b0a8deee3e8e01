// The functions of OpenSSL that are used, in a table filled by `tls_open`.
#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define TLS_FUNCTIONS(SSL, CRYPTO) \
  SSL(OPENSSL_init_ssl) \
  SSL(TLS_server_method) \
  SSL(SSL_CTX_new) \
  SSL(SSL_CTX_free) \
  SSL(SSL_CTX_ctrl) \
  SSL(SSL_CTX_set_options) \
  SSL(SSL_CTX_set_cipher_list) \
  SSL(SSL_CTX_set_session_id_context) \
  SSL(SSL_CTX_set_alpn_select_cb) \
  SSL(SSL_CTX_use_certificate) \
  SSL(SSL_CTX_use_PrivateKey) \
  SSL(SSL_new) \
  SSL(SSL_free) \
  SSL(SSL_set_bio) \
  SSL(SSL_set_accept_state) \
  SSL(SSL_read_ex) \
  SSL(SSL_write_ex) \
  SSL(SSL_shutdown) \
  SSL(SSL_get_error) \
  SSL(SSL_is_init_finished) \
  CRYPTO(BIO_new) \
  CRYPTO(BIO_free) \
  CRYPTO(BIO_new_mem_buf) \
  CRYPTO(BIO_meth_new) \
  CRYPTO(BIO_meth_set_read) \
  CRYPTO(BIO_meth_set_write) \
  CRYPTO(BIO_meth_set_ctrl) \
  CRYPTO(BIO_get_new_index) \
  CRYPTO(BIO_set_data) \
  CRYPTO(BIO_get_data) \
  CRYPTO(BIO_set_init) \
  CRYPTO(BIO_set_flags) \
  CRYPTO(BIO_clear_flags) \
  CRYPTO(ERR_clear_error) \
  CRYPTO(ERR_peek_error) \
  CRYPTO(ERR_peek_last_error) \
  CRYPTO(ERR_reason_error_string) \
  CRYPTO(EVP_PKEY_free) \
  CRYPTO(PEM_read_bio_PrivateKey) \
  CRYPTO(PEM_read_bio_X509) \
  CRYPTO(PEM_read_bio_X509_AUX) \
  CRYPTO(X509_check_private_key) \
  CRYPTO(X509_cmp_current_time) \
  CRYPTO(X509_free) \
  CRYPTO(X509_get0_notAfter) \
  CRYPTO(X509_get0_notBefore)

#define TLS_MEMBER(name) __typeof__(&name) name;
typedef struct {
  TLS_FUNCTIONS(TLS_MEMBER, TLS_MEMBER)
  BIO_METHOD *method;
} tls_library;
#undef TLS_MEMBER

// Valid once `tls_open` has succeeded, and then constant.
extern tls_library tls;

// Opens the library once; NULL, or why that failed.
const char *tls_open(void);
