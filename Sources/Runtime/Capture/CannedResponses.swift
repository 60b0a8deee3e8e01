// What functions get for requests that are not sent.

package import SpacerEventLog

/// Answers by method and URL.
package struct CannedResponses: Equatable, Sendable {
  package struct Response: Equatable, Sendable {
    package var status = 200
    package var body = Array("{}".utf8)

    package init() {}
  }

  /// Of the file, in bytes, and of its lines.
  package static let fileBytesMax = 64 << 20

  private struct Entry: Equatable, Sendable {
    /// Nil for all.
    var method: String?
    var url: String
    var response: Response
  }

  private var entries: [Entry] = []

  /// Status 200 and `{}` for all.
  package init() {}

  /// Reads JSON lines `{"method": …, "url": …, "status": …, "body": …}`. The URL may end in `*`; without a method it
  /// is any; the body is a text, or any other JSON, which is sent as it stands. The first line that fits counts.
  /// - Throws: `failed`; the line's number is in the message.
  package init(lines bytes: [UInt8]) throws(EventLogError) {
    for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
      guard let object = JSONObject(Array(line)), let url = object.string("url") else {
        throw EventLogError(
          .failed, "line \(number + 1) is not {\"url\": …, \"status\": …, \"body\": …} in JSON")
      }
      var response = Response()
      if object.raw("status") != nil {
        guard let status = object.integer("status"), 100...599 ~= status else {
          throw EventLogError(.failed, "line \(number + 1): status must be a number from 100 to 599")
        }
        response.status = Int(status)
      }
      if let text = object.string("body") {
        response.body = Array(text.utf8)
      } else if let raw = object.raw("body") {
        response.body = raw
      }
      entries.append(Entry(method: object.string("method")?.uppercased(), url: url, response: response))
    }
  }

  package func response(method: String, url: String) -> Response {
    for entry in entries where entry.method == nil || entry.method == method {
      if entry.url == url || (entry.url.hasSuffix("*") && url.hasPrefix(entry.url.dropLast())) {
        return entry.response
      }
    }
    return Response()
  }
}
