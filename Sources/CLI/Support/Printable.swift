/// What functions and tests say cannot steer a terminal.
enum Printable {
  static func text(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
      result.append(isControl && scalar != "\t" ? "?" : scalar)
    }
    return String(result)
  }
}
