// What one Lua file says about itself: the result of parsing and the checks that need no other file.
// It depends on the file's bytes and path alone, so the cache keeps it beside the bytecode; the checks that
// look across files (`Check`) read facts and never a syntax tree.

package import SpacerArtifact

/// The facts of one module.
package struct ModuleFacts: Equatable, Sendable {
  /// A constant name at a place: `require "x"`, `topics.append("x", …)`, `flow.call("x", …)`,
  /// `os.getenv("x")`, a global's use.
  package struct Reference: Equatable, Sendable {
    package var name: String
    /// The name's literal or identifier.
    package var range: SourceRange
    /// Runs inside a `pcall` or `xpcall`, so that a failure there can be meant.
    package var isGuarded: Bool

    package init(name: String, range: SourceRange, isGuarded: Bool = false) {
      self.name = name
      self.range = range
      self.isGuarded = isGuarded
    }
  }

  /// What `return` at the end of the file gives, as far as the text shows.
  package enum ReturnShape: UInt8, Sendable {
    /// A function expression, or a local that only ever held one.
    case function = 0
    /// Certainly no function: a literal, an arithmetic result, a table without a metatable call.
    case notAFunction = 1
    /// No return statement at the end.
    case nothing = 2
    /// Cannot be told from the text (a call's result, a parameter …).
    case unknown = 3
  }

  /// Constant-name requires in order of appearance; `isLoadTime` tells whether the call runs while the
  /// module loads (outside every function).
  package struct Require: Equatable, Sendable {
    package var reference: Reference
    package var isLoadTime: Bool

    package init(reference: Reference, isLoadTime: Bool) {
      self.reference = reference
      self.isLoadTime = isLoadTime
    }
  }

  package var requires: [Require] = []
  /// Places of `require` with a name that is no constant.
  package var dynamicRequires: [SourceRange] = []
  package var appends: [Reference] = []
  package var calls: [Reference] = []
  package var getenvs: [Reference] = []
  /// Uses of globals that no standard name covers: reads, then names assigned. `string.trim` and the like
  /// stand for members that a standard library or built-in module does not have of its own.
  package var globalReads: [Reference] = []
  package var globalWrites: [Reference] = []
  package var returnShape: ReturnShape = .unknown
  /// Where the returned expression (or the file's end) is, for `not-a-function`.
  package var returnRange = SourceRange(start: 0, end: 0)
  /// The only local function of the main chunk that nothing reads, in a file that returns nothing.
  package var unreturnedFunction: Reference?
  /// Lines with `-- spacer: ignore ID`: 1-based line, id as written, the comment's range.
  package var ignores: [Ignore] = []
  /// Findings that need no other file: syntax errors, unused locals, unreachable code, engine-only names.
  package var diagnostics: [Diagnostic] = []

  package struct Ignore: Equatable, Sendable {
    package var line: Int
    package var id: String
    package var range: SourceRange

    package init(line: Int, id: String, range: SourceRange) {
      self.line = line
      self.id = id
      self.range = range
    }
  }

  /// Descriptions that are handed to `validate` as constants, in the order of the text.
  package var validations: [Validation] = []
  /// Types that such descriptions name, constant or not, and that do not exist, and options that a type does not have: see
  /// `DescriptionTypes.fact`.
  package var unknownTypes: [Reference] = []

  /// What the code reaches outside of itself, in the artifact's order, each once.
  package var capabilities: [ArtifactContents.Capability] = []

  /// A description of arguments.
  package struct Validation: Equatable, Sendable {
    /// 1-based line of the call.
    package var line: Int
    /// Canonical JSON.
    package var description: String

    package init(line: Int, description: String) {
      self.line = line
      self.description = description
    }
  }

  package init() {}
}
