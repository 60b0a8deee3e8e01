// The functions of libcrypto that are used, found by name once the library is open.
#pragma once
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define SPACER_CRYPTO_FUNCTIONS(X) \
  X(OPENSSL_init_crypto)           \
  X(ERR_clear_error)               \
  X(EVP_MD_fetch)                  \
  X(EVP_Digest)                    \
  X(EVP_DigestInit_ex)             \
  X(EVP_DigestUpdate)              \
  X(EVP_DigestFinal_ex)            \
  X(HMAC)                          \
  X(EVP_PBE_scrypt)                \
  X(BIO_new_mem_buf)               \
  X(BIO_new)                       \
  X(BIO_s_mem)                     \
  X(BIO_read)                      \
  X(BIO_free)                      \
  X(PEM_read_bio_PrivateKey)       \
  X(PEM_write_bio_PrivateKey)      \
  X(PEM_write_bio_PUBKEY)          \
  X(PEM_read_bio_X509)             \
  X(OSSL_DECODER_CTX_new_for_pkey) \
  X(OSSL_DECODER_CTX_set_pem_password_cb) \
  X(OSSL_DECODER_from_bio)         \
  X(OSSL_DECODER_CTX_free)         \
  X(d2i_X509)                      \
  X(d2i_PUBKEY)                    \
  X(d2i_AutoPrivateKey)            \
  X(X509_get_pubkey)               \
  X(X509_free)                     \
  X(EVP_PKEY_free)                 \
  X(EVP_PKEY_CTX_new_id)           \
  X(EVP_PKEY_CTX_free)             \
  X(EVP_PKEY_keygen_init)          \
  X(EVP_PKEY_keygen)               \
  X(EVP_PKEY_new_raw_public_key)   \
  X(EVP_PKEY_get_raw_public_key)   \
  X(EVP_PKEY_get_base_id)          \
  X(EVP_PKEY_get_bits)             \
  X(EVP_PKEY_get_group_name)       \
  X(EVP_PKEY_CTX_set_rsa_padding)  \
  X(EVP_PKEY_CTX_set_rsa_pss_saltlen) \
  X(EVP_MD_CTX_new)                \
  X(EVP_MD_CTX_free)               \
  X(EVP_DigestSignInit)            \
  X(EVP_DigestSign)                \
  X(EVP_DigestVerifyInit)          \
  X(EVP_DigestVerify)              \
  X(ECDSA_SIG_new)                 \
  X(ECDSA_SIG_free)                \
  X(ECDSA_SIG_get0)                \
  X(ECDSA_SIG_set0)                \
  X(d2i_ECDSA_SIG)                 \
  X(i2d_ECDSA_SIG)                 \
  X(BN_bin2bn)                     \
  X(BN_bn2binpad)                  \
  X(BN_free)

typedef struct {
#define SPACER_FIELD(name) __typeof__(name) *name;
  SPACER_CRYPTO_FUNCTIONS(SPACER_FIELD)
#undef SPACER_FIELD
  /// By number; NULL where the library has none.
  EVP_MD *digests[6];
} spacer_crypto_library;

/// The library, opened on the first call; NULL when that failed.
const spacer_crypto_library *spacer_crypto_library_get(void);
