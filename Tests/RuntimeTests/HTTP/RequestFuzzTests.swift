// Mutated requests: however the bytes are split the decoder says the same, it never traps, and it agrees
// with the reference decoder on whether there is a request and where it ends. Prints its seed; set
// SPACER_FUZZ_SEED to repeat a run and SPACER_FUZZ_SECONDS to make it longer.

import Testing

@testable import SpacerRuntime

@Suite("Requests, fuzzed")
struct RequestFuzzTests {
  private static let pieces: [[UInt8]] = [
    "\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", ":", ";", ",", "\0", "\u{7F}", "0", "00", "f", "-", "+", "0x",
    "Host: a\r\n", "Host : a\r\n", "Content-Length: 5\r\n", "Content-Length: 5, 5\r\n",
    "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: x\r\n", "Expect: 100-continue\r\n", " folded\r\n",
    "Connection: close\r\n", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "GET ", "POST ", "http://h/", "*", "#", "?",
    "5\r\nhello\r\n", "0\r\n\r\n", "0\r\nT: t\r\n\r\n", "fffffffffffffff", ";ext=1",
  ].map { Array($0.utf8) }

  private func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let at = Int.random(in: 0...bytes.count, using: &generator)
      switch Int.random(in: 0..<7, using: &generator) {
      case 0 where at < bytes.count: bytes[at] = UInt8.random(in: 0...255, using: &generator)
      case 1 where at < bytes.count: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 2:
        let piece = Self.pieces.randomElement(using: &generator) ?? []
        bytes.insert(contentsOf: piece, at: at)
      case 3:
        let end = min(bytes.count, at + Int.random(in: 1...8, using: &generator))
        bytes.removeSubrange(at..<end)
      case 4:
        let end = min(bytes.count, at + Int.random(in: 1...40, using: &generator))
        let other = Int.random(in: 0...bytes.count, using: &generator)
        bytes.insert(contentsOf: Array(bytes[at..<end]), at: other)
      case 5:
        // A line end loses one of its bytes, or gets another.
        let ends = bytes.indices.filter { bytes[$0] == 0x0D || bytes[$0] == 0x0A }
        guard let end = ends.randomElement(using: &generator) else { continue }
        if Bool.random(using: &generator) {
          bytes.remove(at: end)
        } else {
          bytes[end] = [0x0D, 0x0A, 0x20, 0x58].randomElement(using: &generator) ?? 0
        }
      default: bytes.removeSubrange(at...)
      }
    }
  }

  @Test("every split the same, and as the reference says")
  func fuzz() {
    let seed = Fuzz.seed("requests")
    var generator = SeededGenerator(state: seed)
    var options = HTTPOptions()
    options.bodyBytesMax = 4_096
    let corpus = (validCases.map(\.input) + refusedCases.map(\.input)).map { Array($0.utf8) }
    var count = 0
    var isFine = true
    Fuzz.run {
      for _ in 0..<32 where isFine {
        count += 1
        var bytes = corpus.randomElement(using: &generator) ?? []
        mutate(&bytes, &generator)
        isFine = check(bytes, options, &generator)
      }
    }
    print("fuzz requests: \(count) of them")
  }

  private func check(
    _ bytes: [UInt8], _ options: HTTPOptions, _ generator: inout SeededGenerator
  ) -> Bool {
    let whole = decode(bytes, options: options)
    let splits = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
      Int.random(in: 0...bytes.count, using: &generator)
    }.sorted()
    let shown = String(reflecting: String(decoding: bytes, as: UTF8.self))
    let pieces = decode(bytes, splits: splits, options: options)
    guard pieces == whole else {
      Issue.record("split at \(splits): \(pieces), whole: \(whole), of \(shown)")
      return false
    }
    guard decode(bytes, splits: Array(0..<bytes.count), options: options) == whole else {
      Issue.record("byte by byte differs from \(whole), of \(shown)")
      return false
    }
    let reference = referenceDecode(bytes, bodyBytesMax: options.bodyBytesMax)
    guard agree(whole, reference) else {
      Issue.record("decoder: \(whole), reference: \(reference), of \(shown)")
      return false
    }
    return true
  }

  private func agree(_ outcome: Outcome, _ reference: ReferenceOutcome) -> Bool {
    switch (outcome, reference) {
    case (.request(let request), .request(let method, _, let headers, let body, let restCount)):
      request.methodName == method && request.headers == headers && request.body == body
        && request.restCount == restCount
    // A mistake behind what the reference waits for, or one it does not know.
    case (.refused, .incomplete), (.refused, .refused), (.incomplete, .incomplete): true
    case (.refused(let refusal), .request):
      [
        .malformedTarget, .malformedHost, .connectUnsupported, .uriTooLong, .headersTooLarge,
        .malformedRequestLine,
      ].contains(refusal)
    // Ours reads a version whole before it judges it, a line end before what stands in the line.
    case (.incomplete, .refused): true
    default: false
    }
  }
}
