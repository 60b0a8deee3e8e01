// Who asks for a page.

import Testing

@testable import SpacerRuntime

struct AcceptHeaderTests {
  private func prefersHTML(_ text: String) -> Bool {
    Array(text.utf8).withUnsafeBytes { AcceptHeader.prefersHTML($0) }
  }

  @Test(arguments: [
    "text/html",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "TEXT/HTML ; charset=utf-8 , */*", "application/json;q=0.5, text/html;q=0.9",
    "application/json, text/html", "*/*;q=0.1,\ttext/html;q=0.2",
  ])
  func aPage(accept: String) { #expect(prefersHTML(accept)) }

  @Test(arguments: [
    "", "*/*", "application/json", "application/json, text/plain, */*", "text/*", "text/html;q=0",
    "text/html;q=0.4, application/json;q=0.5", "text/html;q=2", "text/html;q=", "text/html;q=nan", ",;,=;",
    "text/htmlx", "q=1",
  ])
  func noPage(accept: String) { #expect(!prefersHTML(accept)) }

  @Test func anyBytesAreTaken() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        Bool.random()
          ? UInt8.random(in: 0...255, using: &generator) : Array("text/html;q=,. ".utf8).randomElement() ?? 0
      }
      _ = bytes.withUnsafeBytes { AcceptHeader.prefersHTML($0) }
    }
  }
}
