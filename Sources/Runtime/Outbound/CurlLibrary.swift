// libcurl as a process has it: opened once, when an application that requires `http` starts, or else with the
// first request.

import CCurl
import Glibc
import Synchronization

/// The library and what the environment says about its use.
enum CurlLibrary {
  private enum State {
    case unopened, open
    case unusable(String)
  }

  private static let state = Mutex(State.unopened)

  /// What requests get from the environment.
  struct Environment: Sendable {
    var proxies: ProxyVariables
    /// The certificates to trust, PEM: a file, and a folder of hashed names.
    var certificateFile: String?
    var certificateFolder: String?
  }

  static let environment = Environment(
    proxies: ProxyVariables(ServeOptions.variable),
    certificateFile: ServeOptions.variable("CURL_CA_BUNDLE") ?? ServeOptions.variable("SSL_CERT_FILE"),
    certificateFolder: ServeOptions.variable("SSL_CERT_DIR"))

  /// Opens the library unless it is open; nil, or why it cannot be used and what helps. From any thread.
  static func open() -> String? {
    state.withLock { state in
      if case .unopened = state { state = load() }
      if case .unusable(let reason) = state {
        return "libcurl cannot be used (\(reason)): install the Debian package libcurl4"
      }
      return nil
    }
  }

  private static func load() -> State {
    var hooks = spacer_curl_hooks()
    hooks.watch = { owner, descriptor, interest in
      OutboundClient.from(owner)?.watch(descriptor, interest)
    }
    hooks.set_timer = { owner, milliseconds in OutboundClient.from(owner)?.setTimer(milliseconds) }
    hooks.take_line = { transfer, bytes, count in
      let line = UnsafeRawBufferPointer(start: bytes, count: count)
      return OutboundTransfer.from(transfer)?.takeLine(line) ?? false ? 1 : 0
    }
    hooks.take_body = { transfer, bytes, count in
      let bytes = UnsafeRawBufferPointer(start: bytes, count: count)
      return OutboundTransfer.from(transfer)?.takeBody(bytes) ?? false ? 1 : 0
    }
    hooks.allows_address = { transfer, address, count in
      let address = UnsafeRawBufferPointer(start: address, count: count)
      return OutboundTransfer.from(transfer)?.allows(OutboundAddress(socketAddress: address)) ?? false ? 1 : 0
    }
    hooks.allows_connection = { transfer, text in
      guard let text, let transfer = OutboundTransfer.from(transfer) else { return 0 }
      return transfer.allows(OutboundAddress(String(cString: text))) ? 1 : 0
    }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
      guard let start = message.baseAddress else { return .unopened }
      start.pointee = 0
      return spacer_curl_open(&hooks, start, message.count) != 0 ? .open : .unusable(String(cString: start))
    }
  }
}
