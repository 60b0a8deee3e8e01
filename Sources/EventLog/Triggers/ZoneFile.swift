// Reads time zones from TZif files (RFC 8536). Of a file of version 2 or later the second block counts, whose times
// have 64 bits; of one of version 1 there is only the first.

import CSystem
import Glibc

extension ZoneRules {
  /// The database's own files have at most some 4 KiB.
  private static let fileBytesMax = 256 << 10
  private static let nameBytesMax = 128

  /// Reads a TZif file.
  /// - Throws: `failed`.
  package init(tzif bytes: [UInt8]) throws(EventLogError) {
    guard let rules = Self.parse(bytes) else { throw EventLogError(.failed, "a time zone's file is damaged") }
    self = rules
  }

  /// Reads a zone's file in the system's database; `UTC` needs none. Blocks.
  /// - Parameter name: An IANA name, such as `Europe/Berlin`.
  /// - Throws: `failed`.
  package static func named(
    _ name: String, directory: String = "/usr/share/zoneinfo"
  ) throws(EventLogError) -> ZoneRules {
    if name == "UTC" { return .utc }
    let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let isName = parts.allSatisfy { part in
      !part.isEmpty && part.first != UInt8(ascii: ".")
        && part.allSatisfy { byte in
          byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
            || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
            || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: ".")].contains(byte)
        }
    }
    guard isName, name.utf8.count <= nameBytesMax else {
      throw EventLogError(.failed, "the time zone has a name that no zone has: use one such as Europe/Berlin")
    }
    guard let bytes = contents("\(directory)/\(name)") else {
      throw EventLogError(
        .failed, "there is no time zone \(name) in \(directory): check the name, and that tzdata is installed"
      )
    }
    return try ZoneRules(tzif: bytes)
  }

  /// Nil when it cannot be read, is no plain file or is too large.
  private static func contents(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= fileBytesMax
    else {
      return nil
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { buffer in
        read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
      }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return nil }
      count += got
    }
    return bytes
  }

  private static func parse(_ bytes: [UInt8]) -> ZoneRules? {
    var reader = Reader(bytes: bytes)
    guard let first = reader.header() else { return nil }
    guard first.version >= UInt8(ascii: "2") else { return reader.block(first, timeBytes: 4, rule: nil) }
    guard reader.skip(first.byteCount(timeBytes: 4)), let second = reader.header() else { return nil }
    let start = reader.place
    guard reader.skip(second.byteCount(timeBytes: 8)) else { return nil }
    let end = reader.place
    guard let footer = reader.footer() else { return nil }
    var rule: ZoneRule?
    if !footer.isEmpty {
      rule = ZoneRule(footer)
      guard rule != nil else { return nil }
    }
    reader.place = start
    guard let rules = reader.block(second, timeBytes: 8, rule: rule), reader.place <= end else { return nil }
    return rules
  }

  private struct Header {
    var version: UInt8
    var utcCount: Int
    var standardCount: Int
    var leapCount: Int
    var timeCount: Int
    var typeCount: Int
    var nameByteCount: Int

    func byteCount(timeBytes: Int) -> Int {
      timeCount * (timeBytes + 1) + typeCount * 6 + nameByteCount + leapCount * (timeBytes + 4)
        + standardCount
        + utcCount
    }
  }

  /// Every access is checked against the end.
  private struct Reader {
    let bytes: [UInt8]
    var place = 0

    mutating func skip(_ count: Int) -> Bool {
      guard count <= bytes.count - place else { return false }
      place += count
      return true
    }

    /// A big-endian number.
    mutating func number(_ byteCount: Int) -> Int64? {
      guard byteCount <= bytes.count - place else { return nil }
      var value: UInt64 = 0
      for _ in 0..<byteCount {
        value = value << 8 | UInt64(bytes[place])
        place += 1
      }
      let shift = UInt64(64 - byteCount * 8)
      return Int64(bitPattern: value << shift) >> Int64(shift)
    }

    mutating func header() -> Header? {
      guard bytes.count - place >= 44, bytes[place..<place + 4].elementsEqual("TZif".utf8) else { return nil }
      let version = bytes[place + 4]
      place += 20
      var counts: [Int] = []
      for _ in 0..<6 {
        guard let count = number(4), count >= 0, count <= fileBytesMax else { return nil }
        counts.append(Int(count))
      }
      return Header(
        version: version, utcCount: counts[0], standardCount: counts[1], leapCount: counts[2],
        timeCount: counts[3], typeCount: counts[4], nameByteCount: counts[5])
    }

    /// The text between the two line ends that follow the second block.
    mutating func footer() -> ArraySlice<UInt8>? {
      guard place < bytes.count, bytes[place] == UInt8(ascii: "\n"),
        let end = bytes[(place + 1)...].firstIndex(of: UInt8(ascii: "\n"))
      else { return nil }
      return bytes[place + 1..<end]
    }

    mutating func block(_ header: Header, timeBytes: Int, rule: ZoneRule?) -> ZoneRules? {
      guard header.typeCount > 0, header.typeCount <= 256,
        header.byteCount(timeBytes: timeBytes) <= bytes.count - place
      else { return nil }
      var moments: [Int64] = []
      for _ in 0..<header.timeCount {
        guard let moment = number(timeBytes), moment.magnitude < 1 << 60,
          moments.last.map({ $0 < moment }) ?? true
        else { return nil }
        moments.append(moment)
      }
      var types: [Int] = []
      for _ in 0..<header.timeCount {
        types.append(Int(bytes[place]))
        place += 1
      }
      var offsets: [Int64] = []
      for _ in 0..<header.typeCount {
        guard let offset = number(4), abs(offset) < 93_600, skip(2) else { return nil }
        offsets.append(offset)
      }
      guard types.allSatisfy({ $0 < offsets.count }) else { return nil }
      return ZoneRules(
        offsetFirst: offsets[0], moments: moments, offsets: types.map { offsets[$0] }, rule: rule)
    }
  }
}
