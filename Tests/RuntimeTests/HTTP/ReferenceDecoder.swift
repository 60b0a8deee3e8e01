// A second decoder, slow and obvious: lines are cut at CRLF, fields at the first colon, chunks one after
// the other, over arrays. It knows no limits but the body's. Where ours says that a request is complete, this one must see
// the same request; where ours refuses for the message's form, this one must refuse as well, and the other way
// round.

@testable import SpacerRuntime

enum ReferenceOutcome: Equatable {
  case request(method: String, target: String, headers: [String], body: [UInt8], restCount: Int)
  case refused
  case incomplete
}

private struct Malformed: Error {}
private struct NeedsMore: Error {}

private struct Input {
  var rest: ArraySlice<UInt8>

  /// The bytes up to the next CRLF, which hold no other CR or LF, NUL or control character.
  mutating func line() throws -> [UInt8] {
    guard let end = rest.firstIndex(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
      throw NeedsMore()
    }
    guard rest[end] == 0x0D else { throw Malformed() }
    guard end + 1 < rest.endIndex else { throw NeedsMore() }
    guard rest[end + 1] == 0x0A else { throw Malformed() }
    let line = Array(rest[..<end])
    rest = rest[(end + 2)...]
    return line
  }

  mutating func take(_ count: Int) throws -> [UInt8] {
    guard rest.count >= count else { throw NeedsMore() }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
}

private let tokenBytes = Set(
  Array("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8))

private func isToken(_ bytes: some Collection<UInt8>) -> Bool {
  !bytes.isEmpty && bytes.allSatisfy { tokenBytes.contains($0) }
}

private func string(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

private func field(_ line: [UInt8]) throws -> (name: String, value: String) {
  guard let colon = line.firstIndex(of: UInt8(ascii: ":")), isToken(line[..<colon]) else { throw Malformed() }
  var value = line[(colon + 1)...]
  while let first = value.first, first == 0x20 || first == 0x09 { value = value.dropFirst() }
  while let last = value.last, last == 0x20 || last == 0x09 { value = value.dropLast() }
  return (string(line[..<colon]), string(value))
}

/// Decodes the request at the begin of the bytes. Targets and hosts are not looked into.
func referenceDecode(_ bytes: [UInt8], bodyBytesMax: Int) -> ReferenceOutcome {
  var input = Input(rest: bytes[...])
  do {
    if input.rest.first == 0x0D {
      guard try input.line().isEmpty else { return .refused }
    }
    let requestLine = try input.line()
    let parts = requestLine.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, isToken(parts[0]), !parts[1].isEmpty, !parts[1].contains(0x09) else {
      return .refused
    }
    let version = string(parts[2])
    guard version.utf8.count == 8, version.hasPrefix("HTTP/1."), let minor = version.last?.wholeNumberValue
    else { return .refused }
    var fields: [(name: String, value: String)] = []
    while true {
      let line = try input.line()
      if line.isEmpty { break }
      fields.append(try field(line))
    }
    let body = try referenceBody(&input, fields, isOld: minor == 0, bodyBytesMax: bodyBytesMax)
    return .request(
      method: string(parts[0]), target: string(parts[1]), headers: fields.map { "\($0.name)=\($0.value)" },
      body: body, restCount: input.rest.count)
  } catch is NeedsMore {
    return .incomplete
  } catch {
    return .refused
  }
}

private func referenceBody(
  _ input: inout Input, _ fields: [(name: String, value: String)], isOld: Bool, bodyBytesMax: Int
) throws -> [UInt8] {
  func values(_ name: String) -> [String] {
    fields.filter { $0.name.lowercased() == name }.map(\.value)
  }
  guard values("host").count == 1 || (isOld && values("host").isEmpty) else { throw Malformed() }
  if !isOld {
    guard values("expect").allSatisfy({ $0.lowercased() == "100-continue" }) else { throw Malformed() }
  }
  let lengths = values("content-length")
  let codings = values("transfer-encoding")
  if codings.isEmpty {
    guard lengths.count <= 1 else { throw Malformed() }
    guard let text = lengths.first else { return [] }
    guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { throw Malformed() }
    guard let length = Int(text), length <= bodyBytesMax else { throw Malformed() }
    return try input.take(length)
  }
  guard codings.count == 1, codings[0].lowercased() == "chunked", lengths.isEmpty, !isOld else {
    throw Malformed()
  }
  var body: [UInt8] = []
  while true {
    let line = try input.line()
    let digits = line.prefix { $0 != UInt8(ascii: ";") }
    guard !digits.isEmpty, digits.count <= 16, let size = UInt64(string(digits), radix: 16),
      digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
      size <= UInt64(bodyBytesMax - body.count)
    else { throw Malformed() }
    if size == 0 { break }
    body += try input.take(Int(size))
    guard try input.line().isEmpty else { throw Malformed() }
  }
  while true {
    let line = try input.line()
    if line.isEmpty { return body }
    _ = try field(line)
  }
}
