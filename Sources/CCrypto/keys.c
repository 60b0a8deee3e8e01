// Keys, and signatures with them. What a key's text holds is decided by its PEM label before the library sees
// it, and the library is never asked for more than that: it can neither prompt for a password nor take a
// private key for a public one.
#define _GNU_SOURCE
#include <limits.h>
#include <string.h>

#include "ccrypto.h"
#include "library.h"

// MARK: Reading

typedef struct {
  const void *bytes;
  size_t count;
} password;

/// The library's callback; without one it would ask on the terminal.
static int give_password(char *buffer, int size, int is_writing, void *context) {
  (void)is_writing;
  const password *given = context;
  if (given == NULL || given->bytes == NULL || size < 0 || given->count > (size_t)size) return -1;
  memcpy(buffer, given->bytes, given->count);
  return (int)given->count;
}

/// Whether the first PEM block of the text has one of the labels; the list ends with NULL.
static int has_label(const char *text, size_t count, const char *const labels[]) {
  static const char mark[] = "-----BEGIN ";
  const char *start = memmem(text, count, mark, sizeof mark - 1);
  if (start == NULL) return 0;
  start += sizeof mark - 1;
  size_t rest = count - (size_t)(start - text);
  for (int i = 0; labels[i] != NULL; i++) {
    size_t length = strlen(labels[i]);
    if (rest >= length + 5 && memcmp(start, labels[i], length) == 0 &&
        memcmp(start + length, "-----", 5) == 0) {
      return 1;
    }
  }
  return 0;
}

static EVP_PKEY *key_of_certificate(const spacer_crypto_library *crypto, X509 *certificate) {
  if (certificate == NULL) return NULL;
  EVP_PKEY *key = crypto->X509_get_pubkey(certificate);
  crypto->X509_free(certificate);
  return key;
}

static EVP_PKEY *read_public(const spacer_crypto_library *crypto, BIO *bio) {
  EVP_PKEY *key = NULL;
  OSSL_DECODER_CTX *decoder = crypto->OSSL_DECODER_CTX_new_for_pkey(
      &key, "PEM", NULL, NULL, OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS, NULL,
      NULL);
  if (decoder == NULL) return NULL;
  crypto->OSSL_DECODER_CTX_set_pem_password_cb(decoder, give_password, NULL);
  if (!crypto->OSSL_DECODER_from_bio(decoder, bio) && key != NULL) {
    crypto->EVP_PKEY_free(key);
    key = NULL;
  }
  crypto->OSSL_DECODER_CTX_free(decoder);
  return key;
}

spacer_key *spacer_key_read(
    const void *text, size_t count, int holds, const void *password_bytes, size_t password_count) {
  static const char *const private_labels[] = {
      "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", NULL};
  static const char *const public_labels[] = {"PUBLIC KEY", "RSA PUBLIC KEY", NULL};
  static const char *const certificate_labels[] = {"CERTIFICATE", "X509 CERTIFICATE", NULL};
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL || count == 0 || count > SPACER_KEY_TEXT_BYTES_MAX) return NULL;
  BIO *bio = crypto->BIO_new_mem_buf(text, (int)count);
  if (bio == NULL) return NULL;
  password given = {password_bytes, password_count};
  EVP_PKEY *key = NULL;
  if (holds == SPACER_TEXT_PRIVATE_KEY) {
    // A key in the old EC form may stand after a block of its curve's parameters.
    static const char *const old_labels[] = {"EC PARAMETERS", NULL};
    if (has_label(text, count, private_labels) || has_label(text, count, old_labels)) {
      key = crypto->PEM_read_bio_PrivateKey(bio, NULL, give_password, &given);
    }
  } else if (has_label(text, count, certificate_labels)) {
    key = key_of_certificate(crypto, crypto->PEM_read_bio_X509(bio, NULL, give_password, NULL));
  } else if (holds == SPACER_TEXT_PUBLIC_KEY) {
    if (has_label(text, count, public_labels)) key = read_public(crypto, bio);
  } else {
    const unsigned char *bytes = text;
    key = key_of_certificate(crypto, crypto->d2i_X509(NULL, &bytes, (long)count));
  }
  crypto->BIO_free(bio);
  crypto->ERR_clear_error();
  return key;
}

void spacer_key_free(spacer_key *key) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto != NULL) crypto->EVP_PKEY_free(key);
}

int spacer_key_kind(const spacer_key *key) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL) return SPACER_KEY_OTHER;
  switch (crypto->EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: return SPACER_KEY_RSA;
    case EVP_PKEY_ED25519: return SPACER_KEY_ED25519;
    case EVP_PKEY_ED448: return SPACER_KEY_ED448;
    case EVP_PKEY_EC: break;
    default: return SPACER_KEY_OTHER;
  }
  char name[32];
  size_t length = 0;
  int found = crypto->EVP_PKEY_get_group_name(key, name, sizeof name, &length);
  crypto->ERR_clear_error();
  if (!found) return SPACER_KEY_OTHER;
  if (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0) return SPACER_KEY_P256;
  if (strcmp(name, "secp384r1") == 0 || strcmp(name, "P-384") == 0) return SPACER_KEY_P384;
  if (strcmp(name, "secp521r1") == 0 || strcmp(name, "P-521") == 0) return SPACER_KEY_P521;
  return SPACER_KEY_OTHER;
}

int spacer_key_bits(const spacer_key *key) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  return crypto == NULL ? 0 : crypto->EVP_PKEY_get_bits(key);
}

int spacer_key_is_der(const void *bytes, size_t count) {
  const unsigned char *start = bytes;
  // A sequence of exactly this length; anything else is spared the parsers.
  if (count < 16 || count > SPACER_KEY_TEXT_BYTES_MAX || start[0] != 0x30) return 0;
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL) return 0;
  int is_whole = 0;
  const unsigned char *end = start;
  EVP_PKEY *key = crypto->d2i_PUBKEY(NULL, &end, (long)count);
  if (key == NULL) {
    end = start;
    key = crypto->d2i_AutoPrivateKey(NULL, &end, (long)count);
  }
  if (key == NULL) {
    end = start;
    key = key_of_certificate(crypto, crypto->d2i_X509(NULL, &end, (long)count));
  }
  is_whole = key != NULL && end == start + count;
  if (key != NULL) crypto->EVP_PKEY_free(key);
  crypto->ERR_clear_error();
  return is_whole;
}

// MARK: Ed25519

spacer_key *spacer_ed25519_generate(void) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL) return NULL;
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *context = crypto->EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
  if (context != NULL && crypto->EVP_PKEY_keygen_init(context) > 0) crypto->EVP_PKEY_keygen(context, &key);
  crypto->EVP_PKEY_CTX_free(context);
  crypto->ERR_clear_error();
  return key;
}

spacer_key *spacer_ed25519_public(const uint8_t *bytes) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL) return NULL;
  EVP_PKEY *key = crypto->EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, SPACER_ED25519_KEY_BYTES);
  crypto->ERR_clear_error();
  return key;
}

int spacer_ed25519_public_bytes(const spacer_key *key, uint8_t *out) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  size_t length = SPACER_ED25519_KEY_BYTES;
  if (crypto == NULL || crypto->EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) return 0;
  int ok = crypto->EVP_PKEY_get_raw_public_key(key, out, &length) > 0 && length == SPACER_ED25519_KEY_BYTES;
  crypto->ERR_clear_error();
  return ok;
}

size_t spacer_key_write(spacer_key *key, int holds, uint8_t *out, size_t capacity) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL || capacity == 0 || capacity > INT_MAX) return 0;
  BIO *bio = crypto->BIO_new(crypto->BIO_s_mem());
  if (bio == NULL) return 0;
  int ok = holds == SPACER_TEXT_PRIVATE_KEY
               ? crypto->PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
               : crypto->PEM_write_bio_PUBKEY(bio, key);
  int length = ok ? crypto->BIO_read(bio, out, (int)capacity) : 0;
  crypto->BIO_free(bio);
  crypto->ERR_clear_error();
  return length > 0 && (size_t)length < capacity ? (size_t)length : 0;
}

// MARK: Signing

/// The digest to sign with: NULL and success for none.
static int find_digest(const spacer_crypto_library *crypto, int digest, const EVP_MD **found) {
  *found = NULL;
  if (digest == SPACER_NO_DIGEST) return 1;
  if (digest < 0 || digest >= SPACER_DIGEST_COUNT) return 0;
  *found = crypto->digests[digest];
  return *found != NULL;
}

static int set_padding(const spacer_crypto_library *crypto, EVP_PKEY_CTX *context, int is_pss) {
  if (!is_pss) return 1;
  return crypto->EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
         crypto->EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

size_t spacer_key_sign(
    spacer_key *key, int digest, int is_pss, const void *bytes, size_t count, uint8_t *out) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  const EVP_MD *method = NULL;
  if (crypto == NULL || !find_digest(crypto, digest, &method)) return 0;
  EVP_MD_CTX *context = crypto->EVP_MD_CTX_new();
  if (context == NULL) return 0;
  EVP_PKEY_CTX *parameters = NULL;
  size_t length = SPACER_SIGNATURE_BYTES_MAX;
  int ok = crypto->EVP_DigestSignInit(context, &parameters, method, NULL, key) > 0 &&
           set_padding(crypto, parameters, is_pss) &&
           crypto->EVP_DigestSign(context, out, &length, bytes, count) > 0;
  crypto->EVP_MD_CTX_free(context);
  crypto->ERR_clear_error();
  return ok ? length : 0;
}

int spacer_key_verify(
    spacer_key *key, int digest, int is_pss, const void *bytes, size_t count, const void *signature,
    size_t signature_count) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  const EVP_MD *method = NULL;
  if (crypto == NULL || !find_digest(crypto, digest, &method)) return 0;
  EVP_MD_CTX *context = crypto->EVP_MD_CTX_new();
  if (context == NULL) return 0;
  EVP_PKEY_CTX *parameters = NULL;
  int ok = crypto->EVP_DigestVerifyInit(context, &parameters, method, NULL, key) > 0 &&
           set_padding(crypto, parameters, is_pss) &&
           crypto->EVP_DigestVerify(context, signature, signature_count, bytes, count) == 1;
  crypto->EVP_MD_CTX_free(context);
  crypto->ERR_clear_error();
  return ok;
}

// MARK: ECDSA signatures

size_t spacer_ecdsa_to_raw(const void *der, size_t count, size_t coordinate_bytes, uint8_t *out) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  if (crypto == NULL || count > SPACER_SIGNATURE_BYTES_MAX || coordinate_bytes == 0 ||
      coordinate_bytes > SPACER_SIGNATURE_BYTES_MAX / 2) {
    return 0;
  }
  const unsigned char *end = der;
  ECDSA_SIG *signature = crypto->d2i_ECDSA_SIG(NULL, &end, (long)count);
  int width = (int)coordinate_bytes;
  int ok = 0;
  if (signature != NULL && end == (const unsigned char *)der + count) {
    const BIGNUM *r = NULL;
    const BIGNUM *s = NULL;
    crypto->ECDSA_SIG_get0(signature, &r, &s);
    ok = crypto->BN_bn2binpad(r, out, width) == width && crypto->BN_bn2binpad(s, out + width, width) == width;
  }
  crypto->ECDSA_SIG_free(signature);
  crypto->ERR_clear_error();
  return ok ? 2 * coordinate_bytes : 0;
}

size_t spacer_ecdsa_to_der(const void *raw, size_t count, uint8_t *out) {
  const spacer_crypto_library *crypto = spacer_crypto_library_get();
  // Room for the lengths and signs that DER adds.
  if (crypto == NULL || count == 0 || count % 2 != 0 || count > SPACER_SIGNATURE_BYTES_MAX - 32) return 0;
  const unsigned char *bytes = raw;
  int width = (int)(count / 2);
  size_t length = 0;
  ECDSA_SIG *signature = crypto->ECDSA_SIG_new();
  BIGNUM *r = crypto->BN_bin2bn(bytes, width, NULL);
  BIGNUM *s = crypto->BN_bin2bn(bytes + width, width, NULL);
  if (signature != NULL && r != NULL && s != NULL && crypto->ECDSA_SIG_set0(signature, r, s)) {
    // The signature owns both now.
    r = s = NULL;
    unsigned char *position = out;
    int written = crypto->i2d_ECDSA_SIG(signature, &position);
    if (written > 0) length = (size_t)written;
  }
  crypto->BN_free(r);
  crypto->BN_free(s);
  crypto->ECDSA_SIG_free(signature);
  crypto->ERR_clear_error();
  return length;
}
