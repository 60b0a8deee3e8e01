// A request that is answered without its function: status and message.

/// Why a request was refused.
struct RequestFailure: Error {
  var status: Int
  var message: String

  init(_ status: Int, _ message: String) {
    self.status = status
    self.message = message
  }
}
