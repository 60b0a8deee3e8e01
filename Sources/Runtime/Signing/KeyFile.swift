// A file with a key: PEM, as OpenSSL writes it. Which key it holds is told from its first label, so that a
// mistaken file is named for what it is.

import CSystem
import Glibc

/// Why a key cannot be used: one sentence with the way out.
package struct KeyError: Error, Equatable {
  package var message: String
  package init(message: String) { self.message = message }
}

/// The text of a key's file.
struct KeyFile {
  /// Far above what an Ed25519 key takes.
  private static let bytesMax = 64 << 10

  let path: String
  let text: [UInt8]
  /// Whether others than the file's owner may read it.
  let isOpenToOthers: Bool

  init(path: String) throws(KeyError) {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw KeyError(message: "cannot read the key \(path): \(String(cString: strerror(errno)))")
    }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
      throw KeyError(message: "cannot read the key \(path): it is a folder; name the key's file")
    }
    isOpenToOthers = status.st_mode & (S_IRWXG | S_IRWXO) != 0
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while bytes.count <= Self.bytesMax {
      let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw KeyError(message: "cannot read the key \(path): \(String(cString: strerror(errno)))")
      }
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    guard bytes.count <= Self.bytesMax else {
      throw KeyError(message: "\(path) is no key: it has more than \(Self.bytesMax >> 10) KiB")
    }
    self.path = path
    text = bytes
  }

  /// What stands in `-----BEGIN …-----`, or nil when there is no such line.
  private var label: String? {
    let mark = Array("-----BEGIN ".utf8)
    var start = 0
    while start + mark.count < text.count {
      if text[start...].starts(with: mark) {
        let rest = text[(start + mark.count)...].prefix(64)
        return String(
          decoding: rest.prefix { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
      }
      start += 1
    }
    return nil
  }

  /// The Ed25519 key of a kind that the file holds.
  func key(_ holds: CryptoKey.Text) throws(KeyError) -> CryptoKey {
    if let failure = CryptoLibrary.failure { throw KeyError(message: failure) }
    let isPrivate = holds == .privateKey
    let wanted = isPrivate ? "a private key" : "a public key"
    guard let label else {
      throw KeyError(
        message: "\(path) is no key: it holds no PEM text; 'spacer keygen' makes a pair of keys")
    }
    switch (label, isPrivate) {
    case ("PRIVATE KEY", true), ("PUBLIC KEY", false): break
    case ("PUBLIC KEY", true):
      throw KeyError(message: "\(path) holds a public key: signing takes the private one of the pair")
    case ("ENCRYPTED PRIVATE KEY", true):
      throw KeyError(
        message:
          "\(path) is encrypted with a password: decrypt it with 'openssl pkey -in \(path) -out FILE', and name that"
      )
    case (_, false) where label.hasSuffix("PRIVATE KEY"):
      throw KeyError(
        message: "\(path) holds a private key, which only the signer needs: name the public one of the pair")
    default:
      throw KeyError(
        message: "\(path) holds '\(label)': \(wanted) is needed, as 'spacer keygen' makes it")
    }
    guard let key = text.withUnsafeBytes({ CryptoKey($0, holds: holds, password: nil) }) else {
      throw KeyError(
        message: "\(path) is damaged: it holds no key that OpenSSL can read; use another copy of it")
    }
    guard key.kind == .ed25519 else {
      let kind = key.kind == .other ? "another kind" : key.kind.name
      throw KeyError(
        message:
          "\(path) is a key of \(kind): artifacts are signed with Ed25519 keys, as 'spacer keygen' makes them"
      )
    }
    return key
  }
}
