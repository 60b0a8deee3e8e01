import Testing

@testable import SpacerCompiler

struct LineMapTests {
  @Test func linesEndAsInLua() {
    let map = LineMap(Array("a\nb\r\nc\rd\n\re\n\nf".utf8))
    #expect(map.lineCount == 7)
    let lines = (1...7).map { String(decoding: map.bytes[map.contents(ofLine: $0)], as: UTF8.self) }
    #expect(lines == ["a", "b", "c", "d", "e", "", "f"])
  }

  @Test func columnsCountCodePoints() {
    let map = LineMap(Array("äö = 1\nx".utf8))
    #expect(map.position(at: 0) == .init(line: 1, column: 1))
    #expect(map.position(at: 2) == .init(line: 1, column: 2))
    #expect(map.position(at: 5) == .init(line: 1, column: 4))
    #expect(map.position(at: 9) == .init(line: 2, column: 1))
    #expect(map.position(at: 999) == .init(line: 2, column: 2))
  }

  @Test func invalidBytesCountOne() {
    let map = LineMap([0xFF, 0xC3, 0x28, 0xE2, 0x82, 0x41])
    #expect(map.position(at: 6) == .init(line: 1, column: 7))
  }

  @Test func offsetsAndPositionsAgree() {
    let map = LineMap(Array("ein\nzwëi\r\n\ndrei€!".utf8))
    for line in 1...map.lineCount {
      let range = map.contents(ofLine: line)
      for offset in range where offset == 0 || map.bytes[offset] & 0xC0 != 0x80 {
        #expect(map.offset(of: map.position(at: offset)) == offset)
      }
    }
  }

  @Test func emptyFile() {
    let map = LineMap([])
    #expect(map.lineCount == 1)
    #expect(map.position(at: 0) == .init(line: 1, column: 1))
    #expect(map.contents(ofLine: 1).isEmpty)
    #expect(map.contents(ofLine: 5).isEmpty)
  }
}
