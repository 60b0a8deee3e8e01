// The public half of a pair of keys, and whether an artifact was signed with the other half. Unsafe: the C side
// gets pointers for the length of a call.

import CCrypto
package import SpacerArtifact

/// An Ed25519 public key.
package struct TrustedKey: Equatable, Sendable {
  /// What stands before the 32 bytes in a SubjectPublicKeyInfo (RFC 8410).
  private static let infoPrefix: [UInt8] = [
    0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
  ]

  package let bytes: [UInt8]

  /// From the 32 bytes themselves.
  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// From a PEM file.
  package init(path: String) throws(KeyError) {
    self.init(try KeyFile(path: path).key(.publicKey))
  }

  init(_ key: CryptoKey) {
    var bytes = [UInt8](repeating: 0, count: Int(SPACER_ED25519_KEY_BYTES))
    _ = bytes.withUnsafeMutableBufferPointer { spacer_ed25519_public_bytes(key.key, $0.baseAddress) }
    self.bytes = bytes
  }

  /// `SHA256:` and the digest of the key in DER, as `openssl pkey -pubin -outform DER | openssl dgst -sha256`
  /// prints it.
  package var fingerprint: String {
    let info = Self.infoPrefix + bytes
    let digest = info.withUnsafeBytes { CryptoLibrary.digest(.sha256, $0) } ?? []
    return "SHA256:"
      + digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }

  /// Whether the image is signed, and with this key.
  package func hasSigned(_ image: ArtifactImage) -> Bool {
    guard let signature = image.signature, signature.publicKey == bytes,
      let message = Self.message(image),
      let key = bytes.withUnsafeBufferPointer({ spacer_ed25519_public($0.baseAddress) })
    else { return false }
    return message.withUnsafeBytes { message in
      signature.signature.withUnsafeBytes { CryptoKey(adopting: key).verify(message, $0, .pure, nil) }
    }
  }

  /// What an artifact's signature is made of: its context and a digest. Nil without OpenSSL or a signature.
  static func message(_ image: ArtifactImage) -> [UInt8]? {
    let pieces = image.signedPieces.map { piece in
      switch piece {
      case .bytes(let bytes): spacer_crypto_piece(bytes: bytes.baseAddress, count: bytes.count)
      case .zeros(let count): spacer_crypto_piece(bytes: nil, count: count)
      }
    }
    guard !pieces.isEmpty else { return nil }
    let digest = CryptoLibrary.result(capacity: Int(SPACER_DIGEST_BYTES_MAX)) {
      spacer_crypto_digest_pieces(DigestName.sha512.rawValue, pieces, pieces.count, $0)
    }
    return digest.map { Array(ArtifactSignature.context.utf8) + $0 }
  }
}

/// The keys one of which must have signed an artifact; without any, anything is taken.
package struct RequiredKeys: Sendable {
  private let keys: [TrustedKey]

  package static let none = RequiredKeys(keys: [])

  private init(keys: [TrustedKey]) { self.keys = keys }

  /// Reads the files.
  package init(paths: [String]) throws(KeyError) {
    var keys: [TrustedKey] = []
    for path in paths { keys.append(try TrustedKey(path: path)) }
    self.keys = keys
  }

  /// Nil when the artifact may be used, else why not: a sentence about `name`.
  package func refusal(of image: ArtifactImage, name: String) -> String? {
    if keys.isEmpty { return nil }
    if let failure = CryptoLibrary.failure { return "cannot verify the signature of \(name): \(failure)" }
    guard let signature = image.signature else {
      return "\(name) is not signed, and a signature is required: sign it with 'spacer build --sign KEY'"
    }
    let signer = TrustedKey(bytes: signature.publicKey)
    guard keys.contains(signer) else {
      let wanted = keys.map(\.fingerprint).joined(separator: " or ")
      return "\(name) was signed by another key, \(signer.fingerprint), and \(wanted) is required: "
        + "sign it with that key, or require this one if you trust it"
    }
    guard signer.hasSigned(image) else {
      return "\(name) was altered after it was signed by \(signer.fingerprint): take it from its source again"
    }
    return nil
  }
}
