// The certificate that a server shows and its private key, read from PEM files and checked. Unsafe: a handle of
// the C library's, freed with this object; sessions hold it by a count of their own.

import CSystem
import CTLS
import Glibc

/// Where the certificate and its key are.
struct TLSFiles: Equatable, Sendable {
  var certificate: String
  var key: String
}

/// A certificate with its key, shared by all workers of a process; a reload makes another.
package final class TLSContext: @unchecked Sendable {
  // Thread rule: the handle never changes after init, and the library counts its users with atomics.
  let handle: OpaquePointer
  /// What is wrong with the certificate, though it can be served: a sentence for the log.
  package let warning: String?

  private static let fileBytesMax = 1 << 20

  /// Reads and checks both files. Opens the library at the first use in the process.
  /// - Throws: A sentence for the user.
  convenience init(_ files: TLSFiles) throws(LoadError) {
    let certificate = try Self.read(files.certificate, "certificate")
    var key = try Self.read(files.key, "key")
    defer {
      key.withUnsafeMutableBytes { bytes in
        if let base = bytes.baseAddress { explicit_bzero(base, bytes.count) }
      }
    }
    try self.init(certificate: certificate, key: key, files)
  }

  /// - Parameters:
  ///   - certificate: PEM: the server's certificate, then those of its issuers.
  ///   - key: PEM.
  ///   - files: How to name them in an error.
  init(certificate: [UInt8], key: [UInt8], _ files: TLSFiles) throws(LoadError) {
    var result = spacer_tls_load_result()
    let handle = certificate.withUnsafeBytes { certificate in
      key.withUnsafeBytes { key in
        spacer_tls_context_new(
          certificate.baseAddress, certificate.count, key.baseAddress, key.count, &result)
      }
    }
    guard let handle else { throw LoadError(message: Self.describe(result, files)) }
    self.handle = handle
    switch result.validity {
    case SPACER_TLS_EXPIRED: warning = "the certificate \(files.certificate) has expired: clients refuse it"
    case SPACER_TLS_NOT_YET_VALID:
      warning = "the certificate \(files.certificate) is not valid yet: clients refuse it"
    default: warning = nil
    }
  }

  deinit { spacer_tls_context_free(handle) }

  private static func describe(_ result: spacer_tls_load_result, _ files: TLSFiles) -> String {
    let reason = withUnsafeBytes(of: result.reason) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return switch result.status {
    case SPACER_TLS_NO_LIBRARY: "'tls' needs OpenSSL 3: install the package libssl3 (\(reason))"
    case SPACER_TLS_NO_CERTIFICATE:
      "\(files.certificate) holds no certificate: tls.certificate must be a PEM file that begins with the server's own"
    case SPACER_TLS_BAD_CERTIFICATE: "the certificate \(files.certificate) is damaged (\(reason))"
    case SPACER_TLS_UNUSABLE_CERTIFICATE: "cannot use the certificate \(files.certificate): \(reason)"
    case SPACER_TLS_NO_KEY: "\(files.key) holds no private key: tls.key must be a PEM file with one"
    case SPACER_TLS_ENCRYPTED_KEY:
      "the key \(files.key) is encrypted with a password: decrypt it with 'openssl pkey -in \(files.key) -out FILE'"
    case SPACER_TLS_BAD_KEY: "the key \(files.key) is damaged or of an unknown kind (\(reason))"
    case SPACER_TLS_UNUSABLE_KEY: "cannot use the key \(files.key): \(reason)"
    case SPACER_TLS_MISMATCH:
      "the key \(files.key) does not belong to the certificate \(files.certificate): "
        + "the server's own certificate must come first in its file"
    default: "TLS cannot start: \(reason)"
    }
  }

  private static func read(_ path: String, _ what: String) throws(LoadError) -> [UInt8] {
    func fail(_ reason: String) -> LoadError {
      LoadError(message: "cannot read tls.\(what), \(path): \(reason)")
    }
    // Not blocking: a named pipe without a writer would hold up the start.
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw fail(String(cString: strerror(errno))) }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw fail("it is no regular file")
    }
    var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
    var count = 0
    while count < bytes.count {
      let result = bytes.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map { Glibc.read(descriptor, $0 + count, bytes.count - count) } ?? 0
      }
      if result < 0 && errno == EINTR { continue }
      guard result >= 0 else { throw fail(String(cString: strerror(errno))) }
      guard result > 0 else { break }
      count += result
    }
    guard count < bytes.count else { throw fail("it is larger than \(fileBytesMax) bytes") }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}
