import Testing

@testable import SpacerEventLog

/// The values of an append.
@Suite struct AppendValueTests {
  @Test(arguments: [[], [7], [7, 8, 9], [7, 9, 8], [7, 8, 10, 11], [Int64.max, 1], [5, 5]] as [[Int64]])
  func offsetsStayAsTheyCame(_ offsets: [Int64]) {
    let kept = AppendedOffsets(offsets)
    #expect(Array(kept) == offsets)
    #expect(kept.count == offsets.count && kept.first == offsets.first && kept.last == offsets.last)
    #expect(kept == AppendedOffsets(offsets))
    #expect(kept != AppendedOffsets(offsets + [3]))
  }

  @Test(arguments: 0..<4) func entriesStayInOrder(_ count: Int) {
    let entries = (0..<count).map { AppendEntry(key: [UInt8($0)], value: [0x31], id: "\($0)") }
    let kept = AppendRequest(topic: "t", entries: entries).entries
    #expect(Array(kept) == entries)
  }

  @Test func anEntryLendsItsParts() {
    for (key, value, id) in [("k", "1", "i"), ("", "{}", nil), ("schlüssel", "", "")]
      as [(String, String, String?)]
    {
      let entry = AppendEntry(key: key.utf8, value: value.utf8, id: id)
      #expect(Array(entry.key) == Array(key.utf8) && Array(entry.value) == Array(value.utf8))
      entry.withBytes { lentKey, lentValue, lentID in
        #expect(Array(lentKey) == Array(key.utf8) && Array(lentValue) == Array(value.utf8))
        #expect(lentID.map { Array($0) } == id.map { Array($0.utf8) })
      }
    }
  }

  @Test(arguments: [
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-00000000000000000000000000000001-0000000000000001-00",
    "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff",
  ]) func aTraceParentComesBack(_ text: String) {
    #expect(TraceParent(text)?.text == text)
    #expect(TraceParent(text.uppercased())?.text == text)
  }

  @Test(arguments: [
    "", "00", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
    "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
  ]) func whatIsNoTraceParentIsNone(_ text: String) { #expect(TraceParent(text) == nil) }
}
