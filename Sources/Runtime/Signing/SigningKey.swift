// The private half of a pair of keys: made by `spacer keygen`, used by `spacer build --sign`. Unsafe: the C side
// gets pointers for the length of a call.

import CCrypto
import SpacerArtifact

/// An Ed25519 private key. For one thread.
package final class SigningKey {
  private let key: CryptoKey
  package let publicKey: TrustedKey
  /// Whether others than its owner may read its file.
  package let isOpenToOthers: Bool

  /// Reads a PEM file.
  package init(path: String) throws(KeyError) {
    let file = try KeyFile(path: path)
    key = try file.key(.privateKey)
    publicKey = TrustedKey(key)
    isOpenToOthers = file.isOpenToOthers
  }

  /// Makes a new key.
  package init() throws(KeyError) {
    if let failure = CryptoLibrary.failure { throw KeyError(message: failure) }
    guard let made = spacer_ed25519_generate() else {
      throw KeyError(
        message: "OpenSSL cannot make an Ed25519 key: check OPENSSL_CONF and /etc/ssl/openssl.cnf")
    }
    key = CryptoKey(adopting: made)
    publicKey = TrustedKey(key)
    isOpenToOthers = false
  }

  /// The key in PKCS #8 as PEM.
  package var privateText: [UInt8] { text(.privateKey) }
  /// The public part as a SubjectPublicKeyInfo in PEM.
  package var publicText: [UInt8] { text(.publicKey) }

  private func text(_ holds: CryptoKey.Text) -> [UInt8] {
    CryptoLibrary.result(capacity: 4096) { spacer_key_write(key.key, holds.rawValue, $0, 4096) } ?? []
  }

  /// The artifact with a signature of this key, which takes the place of the one it may have.
  package func sign(_ artifact: [UInt8]) throws(KeyError) -> [UInt8] {
    do throws(ArtifactError) {
      let given = AlignedCopy(artifact)
      defer { withExtendedLifetime(given) {} }
      var signed = try ArtifactSignature.prepare(given.bytes, publicKey: publicKey.bytes)
      if let signature = try signature(of: signed) {
        try ArtifactSignature.seal(&signed, signature: signature)
        return signed
      }
    } catch {
      throw KeyError(message: "cannot sign the artifact: \(error)")
    }
    throw KeyError(message: "OpenSSL cannot sign with this key: make another with 'spacer keygen'")
  }

  /// Nil when the library fails.
  private func signature(of prepared: [UInt8]) throws(ArtifactError) -> [UInt8]? {
    let copy = AlignedCopy(prepared)
    defer { withExtendedLifetime(copy) {} }
    let message = TrustedKey.message(try ArtifactImage(verifying: copy.bytes, reader: nil))
    let signature = message.flatMap { $0.withUnsafeBytes { key.sign($0, .pure, nil) } }
    return signature?.count == ArtifactSignature.signatureBytes ? signature : nil
  }
}

/// Bytes where an image may lie. Whoever uses them keeps the object alive.
private final class AlignedCopy {
  private let memory: UnsafeMutableRawBufferPointer
  let bytes: UnsafeRawBufferPointer

  init(_ bytes: [UInt8]) {
    memory = .allocate(byteCount: max(bytes.count, 1), alignment: ArtifactLayout.alignment)
    memory.copyBytes(from: bytes)
    self.bytes = UnsafeRawBufferPointer(rebasing: memory[..<bytes.count])
  }

  deinit { memory.deallocate() }
}
