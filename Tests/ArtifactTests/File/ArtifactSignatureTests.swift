// What a signature is over, and that a reader refuses a malformed one.

import Testing

@testable import SpacerArtifact

@Suite struct ArtifactSignatureTests {
  /// All that is signed, as one run of bytes.
  private func message(_ bytes: [UInt8]) throws -> [UInt8] {
    let held = try TestImage(bytes)
    defer { withExtendedLifetime(held) {} }
    return held.image.signedPieces.flatMap { piece -> [UInt8] in
      switch piece {
      case .bytes(let bytes): Array(bytes)
      case .zeros(let count): Array(repeating: 0, count: count)
      }
    }
  }

  @Test func allButThreeFieldsIsSigned() throws {
    let file = try Sample.signed(try ArtifactWriter.encode(Sample.fullContents()))
    let message = try message(file)
    #expect(message.count == file.count)
    let held = try TestImage(file)
    defer { withExtendedLifetime(held) {} }
    let section = try #require(held.image.sections.first { $0.name == "signature" })
    let entry = try #require(held.image.sections.firstIndex { $0.name == "signature" })
    let gaps = [
      8..<16, (64 + 32 * entry + 24)..<(64 + 32 * entry + 32), (section.offset + 40)..<(section.offset + 104),
    ]
    for offset in file.indices {
      let isGap = gaps.contains { $0.contains(offset) }
      #expect(message[offset] == (isGap ? 0 : file[offset]), "\(offset)")
    }
    #expect(held.image.signature?.publicKey == Sample.publicKey)
    #expect(held.image.signature?.signature == [UInt8](100..<164))
  }

  @Test func theContentStaysAndTheSignatureIsReplaced() throws {
    let unsigned = try ArtifactWriter.encode(Sample.fullContents())
    let signed = try Sample.signed(unsigned)
    let held = try TestImage(signed)
    let plain = try TestImage(unsigned)
    defer { withExtendedLifetime((held, plain)) {} }
    #expect(plain.image.signature == nil)
    #expect(plain.image.signedPieces.isEmpty)
    #expect(held.image.contents() == plain.image.contents())
    #expect(try Sample.signed(signed) == signed)
  }

  @Test(arguments: [(0, "unknown algorithm"), (5, "reserved")])
  func malformedSections(offset: Int, problem: String) throws {
    var file = try Sample.signed(try ArtifactWriter.encode(Sample.contents()))
    let section = try TestImage(file).image.sections.first { $0.name == "signature" }
    file[try #require(section).offset + offset] ^= 0xFF
    // Makes the checksums good again.
    try ArtifactSignature.seal(&file, signature: [UInt8](repeating: 0, count: 64))
    #expect {
      _ = try TestImage(file)
    } throws: { error in
      "\(error)".contains(problem)
    }
  }

  @Test func aFileWithoutPlaceForASignatureIsNotSealed() throws {
    var file = try ArtifactWriter.encode(Sample.contents())
    #expect(throws: ArtifactError.notAnArtifact) {
      try ArtifactSignature.seal(&file, signature: [UInt8](repeating: 0, count: 64))
    }
  }
}
