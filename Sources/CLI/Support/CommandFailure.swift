// How a command ends when it cannot do its work.

/// The exit codes other than 0.
enum ExitStatus {
  /// The project has errors.
  static let projectErrors: Int32 = 1
  /// The command line is wrong.
  static let usage: Int32 = 2
  /// Something the command needs is not there: a file, a port.
  static let resourceMissing: Int32 = 3
}

/// The end of a command with an exit code and at most one sentence.
struct CommandFailure: Error {
  var status: Int32
  /// Nil when everything has been said, as after diagnostics.
  var message: String?

  /// A resource is missing; the sentence names the way out.
  static func missing(_ message: String) -> CommandFailure {
    CommandFailure(status: ExitStatus.resourceMissing, message: message)
  }

  /// The project has errors, which its diagnostics have told.
  static let projectErrors = CommandFailure(status: ExitStatus.projectErrors, message: nil)
}
