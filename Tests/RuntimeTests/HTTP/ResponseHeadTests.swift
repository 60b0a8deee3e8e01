import Testing

@testable import SpacerRuntime

@Suite("Answers, encoded")
struct ResponseHeadTests {
  private func encode(
    _ status: Int, _ framing: ResponseFraming, _ connection: ConnectionHeader = .implied,
    _ contentType: ResponseContentType = .json, headers: String = ""
  ) -> String {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_024, alignment: 1)
    defer { memory.deallocate() }
    var writer = ByteWriter(memory)
    let lines = Array(headers.utf8)
    let prefix = ResponsePrefix(seconds: 0)
    lines.withUnsafeBytes {
      ResponseHead.write(
        &writer, status: status, prefix: prefix, contentType: contentType, connection: connection,
        framing: framing, headers: $0)
    }
    return text(UnsafeRawBufferPointer(rebasing: memory[..<writer.count]))
  }

  private let date = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"

  @Test("heads")
  func heads() {
    #expect(
      encode(200, .length(0))
        == "HTTP/1.1 200 OK\r\n\(date)Content-Type: application/json\r\nContent-Length: 0\r\n\r\n")
    #expect(
      encode(404, .length(1_234_567), .close)
        == "HTTP/1.1 404 Not Found\r\n\(date)Content-Type: application/json\r\nConnection: close\r\n"
        + "Content-Length: 1234567\r\n\r\n")
    #expect(
      encode(299, .chunked, .keepAlive, .inHeaders, headers: "A: b\r\n")
        == "HTTP/1.1 299 \r\n\(date)Connection: keep-alive\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n")
    #expect(encode(204, .none) == "HTTP/1.1 204 No Content\r\n\(date)\r\n")
  }

  @Test("the longest head fits the room that is reserved for one")
  func room() {
    for status in 200...999 {
      #expect(encode(status, .length(Int.max), .keepAlive).utf8.count <= ResponseHead.bytesMax)
    }
  }

  @Test("every refusal has a status with a name, and a JSON body", arguments: Refusal.allCases)
  func refusals(_ refusal: Refusal) {
    #expect((400...599).contains(refusal.status))
    #expect(ResponseHead.reason(refusal.status).utf8CodeUnitCount > 0)
    #expect("\(refusal.body)".hasPrefix("{\"error\":\""))
    #expect("\(refusal.body)".hasSuffix("\"}\n"))
  }

  @Test("hexadecimal sizes", arguments: [(0, "0"), (9, "9"), (10, "a"), (255, "ff"), (4_096, "1000")])
  func hexadecimal(_ number: Int, _ expected: String) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 1)
    defer { memory.deallocate() }
    var writer = ByteWriter(memory)
    writer.append(hexadecimal: number)
    #expect(text(UnsafeRawBufferPointer(rebasing: memory[..<writer.count])) == expected)
  }
}
