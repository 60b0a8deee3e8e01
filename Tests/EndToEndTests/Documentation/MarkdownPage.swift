// What a reader would type and save while reading a page, in order.
//
// - In a `console` block a line that begins with `$ ` is a command; `\` at its end goes on in the next line. The
//   lines up to the next command are what it prints: compared, unless there are none. `…` stands for any text
//   within a line, a line of `…` alone for any lines, and neither times nor numbers before a unit
//   of time or size are compared.
// - A `lua`, `yaml` or `json` block whose first line is a comment of nothing but a path is a file.
// - `<!-- exit: N -->` before a block: its last command ends with that code.
// - `<!-- unseen: COMMAND -->` is a command as well: what the page takes for granted.

import Foundation
import SpacerTestSupport

/// The steps of one page.
struct MarkdownPage {
  enum Action {
    case command(String, expected: [String], exit: Int32)
    case file(path: String, text: String)
  }

  struct Step {
    var action: Action
    /// 1-based, for messages.
    var line: Int
  }

  /// Relative to the checkout.
  let path: String
  private(set) var steps: [Step] = []
  /// Lines that look like commands and stand where nobody would find them.
  private(set) var unmarked: [String] = []

  init(_ path: String) throws {
    let text = try String(contentsOfFile: Tool.checkout + "/" + path, encoding: .utf8)
    try self.init(path: path, lines: text.components(separatedBy: "\n"))
  }

  init(path: String, lines: [String]) throws {
    self.path = path
    var exit: Int32 = 0
    var index = 0
    while index < lines.count {
      defer { index += 1 }
      let line = lines[index]
      if let mark = line.wholeMatch(of: /<!-- exit: (\d+) -->/) { exit = Int32(mark.1) ?? 0 }
      if let mark = line.wholeMatch(of: /<!-- unseen: (.*) -->/) {
        add(.command(String(mark.1), expected: [], exit: 0), index)
      }
      guard line.hasPrefix("```") else { continue }
      guard let end = lines[(index + 1)...].firstIndex(of: "```") else {
        throw HarnessError("\(path):\(index + 1): a block without an end")
      }
      let block = Array(lines[(index + 1)..<end])
      let language = String(line.dropFirst(3))
      if language == "console" {
        addCommands(block, from: index + 1, exit: exit)
      } else if let file = Self.fileName(block.first ?? "", language) {
        add(.file(path: file, text: block.joined(separator: "\n") + "\n"), index)
      } else if language.isEmpty || language == "sh" || language == "bash" {
        unmarked += block.enumerated().filter { Self.looksLikeCommand($0.element) }
          .map { "\(path):\(index + 2 + $0.offset): \($0.element)" }
      }
      exit = 0
      index = end
    }
  }

  private mutating func add(_ action: Action, _ index: Int) {
    steps.append(Step(action: action, line: index + 1))
  }

  private mutating func addCommands(_ block: [String], from start: Int, exit: Int32) {
    var commands: [(text: String, expected: [String], line: Int)] = []
    var isContinued = false
    for (offset, line) in block.enumerated() {
      if isContinued {
        commands[commands.count - 1].text += "\n" + line
      } else if line.hasPrefix("$ ") {
        commands.append((String(line.dropFirst(2)), [], start + offset))
      } else if commands.isEmpty {
        unmarked.append("\(path):\(start + offset + 1): output before the first command")
      } else {
        commands[commands.count - 1].expected.append(line)
      }
      isContinued = (line.hasPrefix("$ ") || isContinued) && line.hasSuffix("\\")
    }
    for (index, command) in commands.enumerated() {
      let code = index == commands.count - 1 ? exit : 0
      add(.command(command.text, expected: command.expected, exit: code), command.line)
    }
  }

  /// `-- app/hello.lua` → `app/hello.lua`.
  private static func fileName(_ line: String, _ language: String) -> String? {
    let mark = ["lua": "-- ", "yaml": "# ", "json": "// "][language]
    guard let mark, line.hasPrefix(mark) else { return nil }
    let name = line.dropFirst(mark.count)
    return name.wholeMatch(of: /[\w.\/-]+\.(?:lua|yml|json)/) != nil ? String(name) : nil
  }

  private static func looksLikeCommand(_ line: String) -> Bool {
    line.firstMatch(
      of: /^(?:\$ |(?:spacer|curl|make|swift|docker|git|sudo|cd|export|systemctl|wget|apt-get) )/) != nil
  }
}
