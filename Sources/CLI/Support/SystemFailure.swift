// A system call that failed, in words.

import Glibc

/// Which call failed, on what, and what the system said.
struct SystemFailure: Error, Equatable, CustomStringConvertible {
  var call: String
  var subject: String?
  var code: Int32

  /// Reads `errno`, so it must be made right after the call.
  init(_ call: String, _ subject: String? = nil) {
    code = errno
    self.call = call
    self.subject = subject
  }

  /// Something is in the way.
  init(exists subject: String) {
    call = "open"
    self.subject = subject
    code = EEXIST
  }

  /// What the system says, `No such file or directory`.
  var reason: String { String(cString: strerror(code)) }

  var description: String {
    guard let subject else { return "\(call): \(reason)" }
    return "\(subject): \(reason) (\(call))"
  }
}
