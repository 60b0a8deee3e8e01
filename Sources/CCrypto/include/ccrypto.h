// What the runtime needs of OpenSSL's libcrypto, which is opened with dlopen on its first use: an
// application that signs and digests nothing pays nothing for it. All functions may be called from any
// thread; a key is for one thread at a time. Each opens the library itself and fails when it is missing.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Digests by number.
enum {
  SPACER_MD5 = 0,
  SPACER_SHA1,
  SPACER_SHA224,
  SPACER_SHA256,
  SPACER_SHA384,
  SPACER_SHA512,
  SPACER_DIGEST_COUNT,
  /// For signatures that digest by themselves (EdDSA).
  SPACER_NO_DIGEST = -1,
};

/// What a key is; the RSA ones differ in their size only.
enum {
  SPACER_KEY_OTHER = 0,
  SPACER_KEY_RSA,
  SPACER_KEY_P256,
  SPACER_KEY_P384,
  SPACER_KEY_P521,
  SPACER_KEY_ED25519,
  SPACER_KEY_ED448,
};

/// What the text of a key holds.
enum {
  SPACER_TEXT_PRIVATE_KEY = 0,
  /// A public key (of any PEM form) or a certificate.
  SPACER_TEXT_PUBLIC_KEY,
  /// A certificate, PEM or DER.
  SPACER_TEXT_CERTIFICATE,
};

enum {
  SPACER_DIGEST_BYTES_MAX = 64,
  SPACER_SIGNATURE_BYTES_MAX = 2048,
  SPACER_ED25519_KEY_BYTES = 32,
  /// The longest text of a key that is read.
  SPACER_KEY_TEXT_BYTES_MAX = 65536,
};

/// A parsed key.
typedef struct evp_pkey_st spacer_key;

/// Opens the library unless it is open. Returns 0 when that fails.
int spacer_crypto_open(void);
/// Why it failed, for people; the text is static.
const char *spacer_crypto_open_failure(void);

/// Writes the digest of the bytes and returns its length; 0 when the library has no such digest.
size_t spacer_crypto_digest(int digest, const void *bytes, size_t count, uint8_t *out);
/// A run of bytes; without an address, of so many zeros.
typedef struct {
  const void *bytes;
  size_t count;
} spacer_crypto_piece;
/// Writes the digest of several runs of bytes, one behind the other, and returns its length; 0 on failure.
size_t spacer_crypto_digest_pieces(
    int digest, const spacer_crypto_piece *pieces, size_t piece_count, uint8_t *out);
/// Writes the HMAC (RFC 2104) of the bytes and returns its length; 0 on failure.
size_t spacer_crypto_hmac(
    int digest, const void *key, size_t key_count, const void *bytes, size_t count, uint8_t *out);
/// Whether two runs of bytes are the same, in time that depends on `count` alone. Needs no library.
int spacer_crypto_equal(const void *first, const void *second, size_t count);
/// Derives `out_count` bytes from a password (RFC 7914). Takes long. Returns 0 on failure.
int spacer_crypto_scrypt(
    const void *password, size_t password_count, const void *salt, size_t salt_count, uint64_t n, uint64_t r,
    uint64_t p, uint64_t memory_bytes_max, uint8_t *out, size_t out_count);

/// Reads a key from its text; `password` opens an encrypted private key and may be NULL. NULL when the text
/// is not what `holds` says or the library cannot read it.
spacer_key *spacer_key_read(
    const void *text, size_t count, int holds, const void *password, size_t password_count);
void spacer_key_free(spacer_key *key);
int spacer_key_kind(const spacer_key *key);
int spacer_key_bits(const spacer_key *key);
/// Whether the bytes are one whole key or certificate in DER, which nobody means as a secret.
int spacer_key_is_der(const void *bytes, size_t count);

/// A new Ed25519 key from the system's random numbers; NULL on failure.
spacer_key *spacer_ed25519_generate(void);
/// An Ed25519 public key from its 32 bytes; NULL on failure.
spacer_key *spacer_ed25519_public(const uint8_t *bytes);
/// Writes the 32 bytes of an Ed25519 key's public part. Returns 0 for another key.
int spacer_ed25519_public_bytes(const spacer_key *key, uint8_t *out);
/// Writes a key as PEM (PKCS #8, or SubjectPublicKeyInfo of its public part) and returns the text's length; 0
/// when it does not fit or fails.
size_t spacer_key_write(spacer_key *key, int holds, uint8_t *out, size_t capacity);

/// Signs; `is_pss` chooses RSASSA-PSS with a salt as long as the digest. `out` has room for
/// SPACER_SIGNATURE_BYTES_MAX. Returns the signature's length (of an ECDSA one in DER), 0 on failure.
size_t spacer_key_sign(
    spacer_key *key, int digest, int is_pss, const void *bytes, size_t count, uint8_t *out);
/// Whether the signature is the key's.
int spacer_key_verify(
    spacer_key *key, int digest, int is_pss, const void *bytes, size_t count, const void *signature,
    size_t signature_count);

/// An ECDSA signature in DER as r and s of so many bytes each, and back. Both return the length, or 0 when
/// the input is none. `out` has room for SPACER_SIGNATURE_BYTES_MAX.
size_t spacer_ecdsa_to_raw(const void *der, size_t count, size_t coordinate_bytes, uint8_t *out);
size_t spacer_ecdsa_to_der(const void *raw, size_t count, uint8_t *out);
