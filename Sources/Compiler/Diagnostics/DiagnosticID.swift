// Every kind of finding the compiler can report. An id never changes its meaning once released:
// `-- spacer: ignore ID`, `--format json` and the documentation refer to it.

/// The stable name of a kind of diagnostic.
package enum DiagnosticID: String, CaseIterable, Sendable, Comparable {
  // Lua files
  case syntaxError = "syntax-error"
  case limitExceeded = "limit-exceeded"
  case notAFunction = "not-a-function"
  case unresolvedRequire = "unresolved-require"
  case requireCycle = "require-cycle"
  case engineOnly = "engine-only"
  case undeclaredTopic = "undeclared-topic"
  case unknownCallee = "unknown-callee"
  case undeclaredEnvironment = "undeclared-environment"
  case undefinedGlobal = "undefined-global"
  case unusedLocal = "unused-local"
  case unreachableCode = "unreachable-code"
  case unknownType = "unknown-type"
  case missingDatabase = "missing-database"
  case unreadableFile = "unreadable-file"
  case ambiguousModule = "ambiguous-module"
  // Gateway
  case gatewayMissing = "gateway-missing"
  case gatewayFailed = "gateway-failed"
  case malformedRoute = "malformed-route"
  case unknownFunction = "unknown-function"
  case privateRoute = "private-route"
  case duplicateRoute = "duplicate-route"
  case conflictingRoute = "conflicting-route"
  case unreachableRoute = "unreachable-route"
  // application.yml
  case configMissing = "config-missing"
  case configSyntax = "config-syntax"
  case configUnknownKey = "config-unknown-key"
  case configType = "config-type"
  case configValue = "config-value"
  case topicName = "topic-name"
  case eventLoop = "event-loop"
  case triggerRoute = "trigger-route"
  case duplicateTrigger = "duplicate-trigger"
  case malformedFilter = "malformed-filter"
  case malformedSchedule = "malformed-schedule"
  case transactionStorage = "transaction-storage"
  // The project
  case originalRuntime = "original-runtime"
  case unusedIgnore = "unused-ignore"

  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
