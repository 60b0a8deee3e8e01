// Why a transfer failed, in words. Only texts of libcurl's that cannot hold a URL are passed on.

import CCurl
import Glibc

enum OutboundFailure {
  /// - Parameters:
  ///   - systemError: The system's error number behind a failed connection, or 0.
  ///   - text: What libcurl says about it.
  static func describe(
    _ code: CURLcode, systemError: Int32, text: String, connectMilliseconds: Int
  ) -> String {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST: "cannot resolve host"
    case CURLE_COULDNT_RESOLVE_PROXY: "cannot resolve the proxy's host"
    case CURLE_COULDNT_CONNECT: connection(systemError)
    case CURLE_OPERATION_TIMEDOUT: "timed out connecting after \(connectMilliseconds) ms"
    case CURLE_GOT_NOTHING: "the server closed the connection without an answer"
    case CURLE_PARTIAL_FILE: "the server closed the connection in the middle of the answer"
    case CURLE_RECV_ERROR, CURLE_SEND_ERROR: "the connection broke"
    case CURLE_PEER_FAILED_VERIFICATION:
      "certificate not accepted: \(after("SSL certificate problem: ", text))"
    case CURLE_SSL_CONNECT_ERROR: "TLS handshake failed: \(reason(text))"
    case CURLE_SSL_CACERT_BADFILE:
      "cannot read the certificates to trust: install ca-certificates, or check SSL_CERT_FILE and CURL_CA_BUNDLE"
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_FUNCTION_ARGUMENT:
      "the answer is not HTTP"
    case CURLE_BAD_CONTENT_ENCODING: "the answer's Content-Encoding cannot be decoded"
    case CURLE_HTTP2, CURLE_HTTP2_STREAM: "HTTP/2 failed"
    case CURLE_PROXY: "the proxy failed"
    default: String(cString: spacer_curl_describe(code))
    }
  }

  private static func connection(_ systemError: Int32) -> String {
    switch systemError {
    case 0: "cannot connect"
    case ECONNREFUSED: "connection refused"
    case ETIMEDOUT: "timed out connecting"
    case ENETUNREACH: "network unreachable"
    case EHOSTUNREACH: "host unreachable"
    default: "cannot connect: \(String(cString: strerror(systemError)))"
    }
  }

  /// `wrong version number` of `OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number`.
  private static func reason(_ text: String) -> String {
    text.split(separator: ":").last.map(String.init) ?? text
  }

  private static func after(_ start: String, _ text: String) -> String {
    text.hasPrefix(start) ? String(text.dropFirst(start.count)) : text
  }
}
