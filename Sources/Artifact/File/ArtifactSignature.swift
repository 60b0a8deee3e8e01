// The signature of an artifact. What is signed is the file as a whole with three fields taken as zeros: the
// signature itself, the checksum of its section and the checksum of the file, which both depend on it. So
// nothing of a signed file can change, the place of the signature included.
//
// This side only says which bytes those are; who signs and who verifies has the cryptography.

/// What the signature section of a file holds.
package struct ArtifactSignature: Equatable, Sendable {
  package static let publicKeyBytes = 32
  package static let signatureBytes = 64
  /// Stands before the digest in what is signed, so that no signature made for something else fits.
  package static let context = "Spacer artifact signature 1\n"

  /// The signer's Ed25519 key.
  package var publicKey: [UInt8]
  package var signature: [UInt8]

  /// Adds a signature section for a key, or replaces the one there is. The signature in it is zeros, for `seal`.
  package static func prepare(
    _ file: UnsafeRawBufferPointer, publicKey: [UInt8]
  ) throws(ArtifactError) -> [UInt8] {
    precondition(publicKey.count == publicKeyBytes)
    let sections = try ArtifactSections(verifying: ImageMemory(file))
    var section = ByteBuilder()
    section.append(ArtifactLayout.Signature.ed25519)
    section.append(UInt32(0))
    section.append(contentsOf: publicKey)
    section.appendZeros(signatureBytes)
    var parts: [(kind: SectionKind, bytes: [UInt8])] = []
    for entry in sections.entries {
      guard let kind = SectionKind(rawValue: entry.kind) else {
        throw .invalidContents("it has sections of a newer Spacer; sign it with that one")
      }
      if kind != .signature { parts.append((kind, Array(sections[kind].bytes))) }
    }
    parts.append((.signature, section.bytes))
    parts.sort { $0.kind.rawValue < $1.kind.rawValue }
    return try ArtifactWriter.assemble(parts)
  }

  /// Puts a signature into a prepared file and makes the checksums good.
  package static func seal(_ file: inout [UInt8], signature: [UInt8]) throws(ArtifactError) {
    precondition(signature.count == signatureBytes)
    guard let place = SignaturePlace(file) else { throw .notAnArtifact }
    file.replaceSubrange(place.signature, with: signature)
    var builder = ByteBuilder(file)
    builder.set(Checksum.of(file[place.section]), at: place.sectionChecksum.lowerBound)
    builder.set(
      Checksum.of(builder.bytes[ArtifactLayout.Header.checksummed...]), at: ArtifactLayout.Header.checksum)
    file = builder.bytes
  }
}

/// Where a file has its signature, and the checksums that depend on it. The file's envelope holds.
private struct SignaturePlace {
  var section: Range<Int>
  var sectionChecksum: Range<Int>
  var signature: Range<Int> {
    let start = section.lowerBound + ArtifactLayout.Signature.signature
    return start..<(start + ArtifactSignature.signatureBytes)
  }

  init?(_ file: [UInt8]) {
    let place = file.withUnsafeBytes { Self.find(ImageMemory($0)) }
    guard let place else { return nil }
    self = place
  }

  init?(_ memory: ImageMemory) {
    guard let place = Self.find(memory) else { return nil }
    self = place
  }

  private init(section: Range<Int>, sectionChecksum: Range<Int>) {
    self.section = section
    self.sectionChecksum = sectionChecksum
  }

  private static func find(_ memory: ImageMemory) -> SignaturePlace? {
    typealias Section = ArtifactLayout.Section
    guard memory.count >= ArtifactLayout.Header.size else { return nil }
    let count = memory.load32(at: ArtifactLayout.Header.sectionCount)
    for index in 0..<min(count, Limits.sectionsMax) {
      let entry = ArtifactLayout.Header.size + index * Section.size
      guard memory.contains(offset: entry, length: Section.size) else { return nil }
      guard memory.load(UInt32.self, at: entry + Section.kind) == SectionKind.signature.rawValue else {
        continue
      }
      let offset = Int(clamping: memory.load(UInt64.self, at: entry + Section.offset))
      let length = Int(clamping: memory.load(UInt64.self, at: entry + Section.length))
      guard length == ArtifactLayout.Signature.size, memory.contains(offset: offset, length: length) else {
        return nil
      }
      let checksum = entry + Section.checksum
      return SignaturePlace(section: offset..<(offset + length), sectionChecksum: checksum..<(checksum + 8))
    }
    return nil
  }
}

extension ArtifactImage {
  /// What the file says of its signature; nil when it is not signed. Whether it holds is for the caller to find.
  package var signature: ArtifactSignature? {
    typealias Signature = ArtifactLayout.Signature
    guard signatureRecord.count == Signature.size else { return nil }
    return ArtifactSignature(
      publicKey: Array(
        signatureRecord.slice(offset: Signature.publicKey, length: ArtifactSignature.publicKeyBytes).bytes),
      signature: Array(
        signatureRecord.slice(offset: Signature.signature, length: ArtifactSignature.signatureBytes).bytes))
  }

  /// What a signature is over, in order. Empty when the file has no signature.
  package var signedPieces: [SignedPiece] {
    guard let place = SignaturePlace(memory) else { return [] }
    typealias Header = ArtifactLayout.Header
    let gaps = [
      Header.checksum..<Header.checksummed, place.sectionChecksum, place.signature,
    ].sorted { $0.lowerBound < $1.lowerBound }
    var pieces: [SignedPiece] = []
    var position = 0
    for gap in gaps {
      pieces.append(.bytes(memory.slice(offset: position, length: gap.lowerBound - position).bytes))
      pieces.append(.zeros(gap.count))
      position = gap.upperBound
    }
    pieces.append(.bytes(memory.slice(offset: position, length: memory.count - position).bytes))
    return pieces
  }
}

/// A run of what is signed.
package enum SignedPiece {
  case bytes(UnsafeRawBufferPointer)
  case zeros(Int)
}
