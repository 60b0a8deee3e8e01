// Every key of config/application.yml in one table. Validation walks it, "did you mean" reads its names, and
// the reference in docs/application-yml.md is printed from it; a test keeps that page in step.

/// The type of a key's value.
enum ConfigKind {
  /// A mapping of the keys that the table lists below it.
  case section
  /// A mapping whose keys the user names; the table has what is below as `*`.
  case map(NameRule)
  /// The number 1.
  case version
  /// One name, fixed at build time.
  case name(NameRule)
  /// A list of names, fixed at build time.
  case names(NameRule)
  /// Topics: a list of names, each perhaps with options, or a mapping.
  case topics
  /// A list of functions, each perhaps with options.
  case triggers
  case text
  /// Text, or a list of it.
  case texts
  case choice([String])
  case address
  /// An address, or a list of them.
  case addresses
  /// A URL, an address or a port.
  case invoker
  case integer(ClosedRange<Int64>)
  /// A number of bytes, with or without a unit.
  case bytes(ClosedRange<Int64>)
  /// A length of time; its setting is in milliseconds. `forever` is no setting.
  case duration(ClosedRange<Int64>, orForever: Bool = false)
  case flag
  /// A description of a payload, as `validate` takes them.
  case schema
  /// Conditions on a payload.
  case filter
  /// Any value, kept as JSON.
  case json
  case cron
  case timeZone
  /// Any text, number or truth value, passed on as it is.
  case anything

  /// For the reference.
  var title: String {
    switch self {
    case .section, .map: "mapping"
    case .version: "`1`"
    case .name: "name"
    case .names: "list of names"
    case .topics: "list or mapping"
    case .triggers: "list"
    case .text: "text"
    case .texts: "text or list"
    case .choice(let choices): choices.map { "`\($0)`" }.joined(separator: ", ")
    case .address: "`HOST:PORT`"
    case .addresses: "`HOST:PORT` or list"
    case .invoker: "URL or port"
    case .integer: "whole number"
    case .bytes: "size"
    case .duration(_, let orForever): orForever ? "duration or `forever`" : "duration"
    case .flag: "true or false"
    case .schema: "type or description"
    case .filter: "mapping"
    case .json: "anything"
    case .cron: "cron expression"
    case .timeZone: "name"
    case .anything: "text, number, true or false"
    }
  }
}

/// One key.
struct ConfigKey {
  /// Dotted; `*` is a name that the user chooses.
  var path: String
  var kind: ConfigKind
  /// Markdown; "—" for none.
  var defaultText: String
  /// Markdown, one line.
  var summary: String
  var isRequired = false

  var parent: String { path.split(separator: ".").dropLast().joined(separator: ".") }
  var name: String { path.split(separator: ".").last.map(String.init) ?? path }
}

/// The table.
package enum ConfigSchema {
  static let year: ClosedRange<Int64> = 1...31_536_000_000
  private static let counts: ClosedRange<Int64> = 1...1_000_000_000
  private static let sizes: ClosedRange<Int64> = 1...(1 << 40)

  static let keys: [ConfigKey] =
    application + ConfigEventKeys.all + storage + databases + serving + limits

  private static let application: [ConfigKey] = [
    ConfigKey(
      path: "spacerVersion", kind: .version, defaultText: "—",
      summary: "The version of this format. Required.", isRequired: true),
    ConfigKey(
      path: "appName", kind: .name(.appName), defaultText: "—",
      summary:
        "The application's name: a letter, then letters, digits and `-`, at most 63 bytes; it is part of "
        + "topic and consumer group names. Required.", isRequired: true),
    ConfigKey(
      path: "envVar", kind: .names(.variable), defaultText: "none",
      summary: "The environment variables that functions may read with `os.getenv`."),
    ConfigKey(
      path: "include", kind: .names(.module), defaultText: "none",
      summary: "Modules that `require` reaches only by names computed at run time. `*` stands for any text "
        + "without `/`, `**` for any text: `\"plugins/*\"`."),
  ]

  private static let storage: [ConfigKey] = [
    ConfigKey(
      path: "logStorage", kind: .map(.environment), defaultText: "none",
      summary: "Where events are kept, by environment (`SPACER_ENV` or `--env`)."),
    ConfigKey(
      path: "logStorage.*", kind: .section, defaultText: "none", summary: "One environment's storage."),
    ConfigKey(
      path: "logStorage.*.driver", kind: .choice(["memory", "sqlite", "postgres", "kafka"]), defaultText: "—",
      summary: "The kind of storage. Required.", isRequired: true),
    ConfigKey(
      path: "logStorage.*.path", kind: .text, defaultText: "`.spacer/events.db`",
      summary: "`sqlite`: the database file, relative to the working directory."),
    ConfigKey(
      path: "logStorage.*.durability", kind: .choice(["full", "relaxed"]), defaultText: "`full`",
      summary:
        "`sqlite`: `full` writes through to the disk before an append is answered; with `relaxed` the last "
        + "moments before a power failure may be lost, though not before a crash of the process."),
    ConfigKey(
      path: "logStorage.*.connString", kind: .text, defaultText: "—",
      summary: "`postgres`: the connection string or URL. Required there."),
    ConfigKey(
      path: "logStorage.*.brokers", kind: .texts, defaultText: "—",
      summary: "`kafka`: `HOST:PORT` of the first brokers to ask. Required there."),
    ConfigKey(
      path: "logStorage.*.properties", kind: .map(.property), defaultText: "none",
      summary: "`kafka`: properties of librdkafka."),
    ConfigKey(
      path: "logStorage.*.properties.*", kind: .anything, defaultText: "librdkafka's",
      summary: "One property, passed on as it is."),
  ]

  private static let databases: [ConfigKey] =
    [
      ConfigKey(
        path: "databases", kind: .map(.database), defaultText: "none",
        summary: "The databases that functions reach with `require \"db\"`, by name."),
      ConfigKey(
        path: "databases.*", kind: .section, defaultText: "none",
        summary: "One database. Keys here hold in every environment."),
    ] + databaseKeys(below: "databases.*")
    + [
      ConfigKey(
        path: "databases.*.*", kind: .section, defaultText: "none",
        summary:
          "Keys for one environment (`SPACER_ENV` or `--env`); each takes the place of the same key above.")
    ]
    + databaseKeys(below: "databases.*.*").map { key in
      var key = key
      key.summary = "The same, for one environment."
      return key
    }

  private static func databaseKeys(below parent: String) -> [ConfigKey] {
    let day: ClosedRange<Int64> = 1...86_400_000
    let keys: [(name: String, kind: ConfigKind, defaultText: String, summary: String)] = [
      (
        "driver", .choice(["postgres", "sqlite"]), "—",
        "The kind of database. Without one for the environment in force there is no such database."
      ),
      (
        "connString", .text, "—",
        "`postgres`: the connection string or URL, as libpq reads it. Required there."
      ),
      (
        "path", .text, "`.spacer/NAME.db`",
        "`sqlite`: the database file, relative to the working directory; `\":memory:\"` keeps it in the process."
      ),
      ("poolSize", .integer(1...1_000), "10", "The most connections of one worker."),
      (
        "waitMilliseconds", .integer(day), "5000",
        "How long a call waits for a free connection, and how long one may take to be made."
      ),
      ("idleMilliseconds", .integer(day), "60000", "How long a connection is kept unused."),
      (
        "timeoutMilliseconds", .integer(day), "none",
        "How long a statement may run before it is cancelled. Its call's `limits.wallMilliseconds` holds anyway."
      ),
      (
        "busyMilliseconds", .integer(day), "5000",
        "`sqlite`: how long a statement waits for another's lock."
      ),
      ("resultBytes", .bytes(1_024...(1 << 40)), "`64MiB`", "The largest result of one statement."),
      (
        "preparedStatements", .integer(0...10_000), "100",
        "Prepared statements that a connection keeps. `postgres`: 0 prepares none, as some poolers ask for."
      ),
      (
        "numeric", .choice(["string", "number"]), "`string`",
        "`postgres`: what a `numeric` becomes. As a number it may lose digits."
      ),
    ]
    return keys.map {
      ConfigKey(
        path: "\(parent).\($0.name)", kind: $0.kind, defaultText: $0.defaultText, summary: $0.summary)
    }
  }

  private static let serving: [ConfigKey] = [
    ConfigKey(
      path: "functionInvoker", kind: .invoker, defaultText: "`http://localhost:3000`",
      summary: "Its port is the HTTP port. A port alone will do."),
    ConfigKey(
      path: "listen", kind: .addresses, defaultText: "all addresses (`run`), loopback (`dev`)",
      summary: "The addresses to serve on, in place of `functionInvoker`'s port: `127.0.0.1:3000`, `:3000`, "
        + "`\"[::1]:3000\"`."),
    ConfigKey(
      path: "writeProxyListen", kind: .address, defaultText: "`:9065`",
      summary: "Where the write proxy listens. Without `writeProxyToken` it is bound to loopback."),
    ConfigKey(
      path: "writeProxyToken", kind: .text, defaultText: "none",
      summary: "The Bearer token that the write proxy asks for."),
    ConfigKey(
      path: "tls", kind: .section, defaultText: "none",
      summary: "Serves HTTPS in place of HTTP, at every address; see below."),
    ConfigKey(
      path: "tls.certificate", kind: .text, defaultText: "—",
      summary: "File of the certificate chain, PEM, relative to the working directory. Required under `tls`.",
      isRequired: true),
    ConfigKey(
      path: "tls.key", kind: .text, defaultText: "—",
      summary: "File of the private key, PEM, relative to the working directory. Required under `tls`.",
      isRequired: true),
  ]

  private static let limits: [ConfigKey] = [
    ConfigKey(path: "limits", kind: .section, defaultText: "—", summary: "What a call and a worker may use."),
    ConfigKey(
      path: "limits.wallMilliseconds", kind: .integer(year), defaultText: "30000",
      summary:
        "Time of one call, waiting included. Beyond it: 504, and what the call waits for ends. Also how long a "
        + "stopping server waits for its calls."
    ),
    ConfigKey(
      path: "limits.cpuMilliseconds", kind: .integer(year), defaultText: "1000",
      summary: "Time that one call runs without a wait. Beyond it: 504."),
    ConfigKey(
      path: "limits.callMemoryBytes", kind: .bytes(sizes), defaultText: "`64MiB`",
      summary: "Memory of one call. Beyond it: 503."),
    ConfigKey(
      path: "limits.workerMemoryBytes", kind: .bytes(sizes), defaultText: "`512MiB`",
      summary: "What the calls of one worker hold. Beyond it, the waiting call that holds most: 503."),
    ConfigKey(
      path: "limits.kvBytes", kind: .bytes(sizes), defaultText: "`64MiB`",
      summary: "What `kv` holds, for all workers together. Counts when the process starts."),
    ConfigKey(
      path: "limits.bodyBytes", kind: .bytes(sizes), defaultText: "`20MiB`",
      summary: "A request's body. Beyond it: 413."),
    ConfigKey(
      path: "limits.eventBytes", kind: .bytes(1_024...(1 << 30)), defaultText: "1000000",
      summary: "An event's payload as JSON. Beyond it: the append raises."),
    ConfigKey(
      path: "limits.headerBytes", kind: .bytes(sizes), defaultText: "`32KiB`",
      summary: "A request's header lines together. Beyond it: 431."),
    ConfigKey(
      path: "limits.uriBytes", kind: .bytes(sizes), defaultText: "`8KiB`",
      summary: "A request's target. Beyond it: 414."),
    ConfigKey(
      path: "limits.connections", kind: .integer(counts), defaultText: "the runtime's",
      summary: "Open connections of one worker. Beyond it: 503."),
    ConfigKey(
      path: "limits.calls", kind: .integer(counts), defaultText: "the runtime's",
      summary: "Calls in flight of one worker. Beyond it: 503."),
    ConfigKey(
      path: "limits.outbound", kind: .choice(["allow", "public"]), defaultText: "`allow`",
      summary:
        "Where `http` may connect to: anywhere, or to public addresses only, which leaves out loopback, "
        + "private, link-local and other special addresses. Checked for each connection, after DNS."),
  ]

  private static let byPath = Dictionary(uniqueKeysWithValues: keys.map { ($0.path, $0) })
  private static let byParent = Dictionary(grouping: keys) { $0.parent }

  /// The key at a schema path, in which the user's names are `*`.
  static func key(_ path: String) -> ConfigKey? { byPath[path] }

  /// The keys directly below a schema path, "" being the root.
  static func children(of path: String) -> [ConfigKey] { byParent[path] ?? [] }

  /// The key of a name, of several the one with the fewest names of the user's above it.
  static func nearestToTheRoot(named name: String) -> ConfigKey? {
    keys.filter { $0.name == name }.min { stars($0) < stars($1) }
  }

  private static func stars(_ key: ConfigKey) -> Int { key.path.count { $0 == "*" } }

  /// A key for readers: Markdown in all but its path.
  package struct ReferenceEntry: Sendable {
    package var path: String
    package var kind: String
    package var defaultText: String
    package var summary: String
  }

  /// Every key, in the table's order.
  package static var referenceEntries: [ReferenceEntry] {
    keys.map {
      ReferenceEntry(path: $0.path, kind: $0.kind.title, defaultText: $0.defaultText, summary: $0.summary)
    }
  }

  /// The reference as a Markdown table.
  static var referenceTable: String {
    var text = "| key | value | default | meaning |\n|---|---|---|---|\n"
    for key in keys {
      text += "| `\(key.path)` | \(key.kind.title) | \(key.defaultText) | \(key.summary) |\n"
    }
    return text
  }
}
