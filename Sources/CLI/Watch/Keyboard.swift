// Single keys of the terminal, without a newline and without an echo. Signals and output stay as they were: Ctrl-C
// still interrupts, Ctrl-Z still stops. The terminal is as before whenever nobody reads keys: when the value ends,
// before the process stops, and while another job has the terminal.

import Glibc

/// The terminal on standard input. Used from one thread.
struct Keyboard: ~Copyable {
  private let descriptor = STDIN_FILENO
  /// How the terminal was; nil while it is so.
  private var before: termios?

  /// What to wait on for keys; -1 while there are none to come.
  var waited: Int32 { before == nil ? -1 : descriptor }

  deinit { restore() }

  /// Begins to take keys, when standard input is a terminal and this process is the one that has it.
  mutating func begin() {
    guard before == nil, isatty(descriptor) == 1, tcgetpgrp(descriptor) == getpgrp() else { return }
    var settings = termios()
    guard tcgetattr(descriptor, &settings) == 0 else { return }
    let old = settings
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
    // One byte is enough for a read to return.
    withUnsafeMutableBytes(of: &settings.c_cc) { values in
      values[Int(VMIN)] = 1
      values[Int(VTIME)] = 0
    }
    if tcsetattr(descriptor, TCSANOW, &settings) == 0 { before = old }
  }

  /// Gives the terminal back as it was.
  mutating func end() {
    restore()
    before = nil
  }

  private func restore() {
    guard var settings = before, tcgetpgrp(descriptor) == getpgrp() else { return }
    tcsetattr(descriptor, TCSANOW, &settings)
  }

  /// The keys that were pressed; to be called when there are some. At the end of the input no more will come.
  mutating func read() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    if count > 0 { return Array(bytes.prefix(count)) }
    if count == 0 || errno != EINTR && errno != EAGAIN { end() }
    return []
  }
}
