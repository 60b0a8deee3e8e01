// What is wrong with a configuration, as `line:column id message`.

import Testing

@testable import SpacerCompiler

struct ConfigErrorTests {
  @Test(arguments: [
    ("topic: [a]", "3:1 config-unknown-key unknown key 'topic'", "did you mean 'topics'?"),
    ("AppName: x", "3:1 config-unknown-key unknown key 'AppName'", "did you mean 'appName'?"),
    ("maxAttempts: 3", "3:1 config-unknown-key unknown key 'maxAttempts'", "it belongs in 'delivery'"),
    ("driver: memory", "3:1 config-unknown-key unknown key 'driver'", "it belongs in 'logStorage.NAME'"),
    (
      "limits:\n  wallMiliseconds: 5", "4:3 config-unknown-key unknown key 'wallMiliseconds' in 'limits'",
      "did you mean 'wallMilliseconds'?"
    ),
    (
      "tls: {certificate: a, key: b, zzz: c}", "3:31 config-unknown-key unknown key 'zzz' in 'tls'",
      "known keys: certificate, key"
    ),
    (
      "topics: orders", "3:9 config-type 'topics' must be a list of names, not text",
      "write it as a list: [orders]"
    ),
    (
      "topics: {a: b}", "3:13 config-type 'topics.a' must be a mapping, not text",
      "write the options as 'NAME: {partitions: 8}'"
    ),
    ("topics: [[a]]", "3:10 config-type 'topics' must be a name, not a list", nil),
    ("topics:\n  -\n", "4:4 config-type 'topics' must be a name, not nothing", nil),
    (
      "events: [a]", "3:9 config-type 'events' must be a mapping, not a list",
      "write 'events: {TOPIC: {APPEND: [FUNCTION]}}'"
    ),
    (
      "topics: [a]\nevents:\n  a: [f]", "5:6 config-type 'events.a' must be a mapping, not a list",
      "write 'APPEND: [FUNCTION]' below the topic"
    ),
    (
      "topics: [a]\nevents:\n  a: {APEND: [f]}", "5:7 config-unknown-key unknown key 'APEND' in 'events.a'",
      "did you mean 'APPEND'?"
    ),
    (
      "topics: [orders]\nevents:\n  order: {APPEND: [f]}",
      "5:3 undeclared-topic 'events' names the topic 'order', which 'topics' does not list",
      "did you mean 'orders'?"
    ),
    (
      "events:\n  zebra: {APPEND: [f]}",
      "4:3 undeclared-topic 'events' names the topic 'zebra', which 'topics' does not list",
      "add 'zebra' to 'topics'"
    ),
    (
      "topics: [a]\nevents:\n  a: {APPEND: [x.lua]}",
      "5:16 config-value 'x.lua' cannot be a name in 'events.a.APPEND': write the name without '.lua'", nil
    ),
    (
      "topics: [a, b, A]", "3:16 topic-name the topics 'a' and 'A' would share one table",
      "letter case does not tell topics apart: rename one"
    ),
    ("topics: [a, a]", "3:13 topic-name the topic 'a' is listed twice", nil),
    (
      "envVar: [A=b]",
      "3:10 config-value 'A=b' cannot be a name in 'envVar': an environment variable's name is letters, digits "
        + "and '_', not beginning with a digit", nil
    ),
    (
      "functionInvoker: https://x:443", "3:18 config-value 'https://x:443' is no address of an invoker",
      "write 'http://localhost:PORT'; for HTTPS there is 'tls'"
    ),
    ("functionInvoker: 99999", "3:18 config-value '99999' is no port: they go from 0 to 65535", nil),
    (
      "functionInvoker: http://localhost", "3:18 config-value 'http://localhost' is no address of an invoker",
      "write 'http://localhost:PORT'; for HTTPS there is 'tls'"
    ),
    (
      "writeProxyListen: 9065",
      "3:19 config-type 'writeProxyListen' must be an address such as ':9065', not a number",
      "write \":9065\""
    ),
    (
      "writeProxyListen: localhost", "3:19 config-value 'localhost' is no address",
      "write 'HOST:PORT', ':PORT' or '[IPv6]:PORT', the port from 0 to 65535"
    ),
    (
      "listen: [\":1\", \"x:70000\"]", "3:16 config-value 'x:70000' is no address",
      "write 'HOST:PORT', ':PORT' or '[IPv6]:PORT', the port from 0 to 65535"
    ),
    ("listen: []", "3:9 config-value 'listen' is an empty list", nil),
    (
      "writeProxyToken: 12345", "3:18 config-type 'writeProxyToken' must be text, not a number",
      "put it in quotes: \"12345\""
    ),
    (
      "writeProxyToken: true", "3:18 config-type 'writeProxyToken' must be text, not true or false",
      "put it in quotes: \"true\""
    ),
    (
      "writeProxyToken: a${B", "3:19 config-value '${' is never closed by '}'",
      "write '${NAME}' or '${NAME:-default}'"
    ),
    (
      "writeProxyToken: \"${A}${1B}\"",
      "3:23 config-value '${' must be followed by the name of an environment variable",
      "write '${NAME}' or '${NAME:-default}'"
    ),
    (
      "writeProxyToken: ${A:+b}", "3:18 config-value a reference is '${NAME}' or '${NAME:-default}'",
      "write '${NAME}' or '${NAME:-default}'"
    ),
    ("limits: {calls: 0}", "3:17 config-value 'limits.calls' must be from 1 to 1000000000", nil),
    ("limits: {calls: -1}", "3:17 config-value 'limits.calls' must be from 1 to 1000000000", nil),
    ("limits: {calls: many}", "3:17 config-type 'limits.calls' must be a whole number, not 'many'", nil),
    ("limits: {calls: 1.5}", "3:17 config-type 'limits.calls' must be a whole number, not '1.5'", nil),
    ("limits: {calls: \"5\"}", "3:17 config-type 'limits.calls' must be a whole number, not '5'", nil),
    (
      "limits: {calls: 99999999999999999999}",
      "3:17 config-type 'limits.calls' must be a whole number, not '99999999999999999999'", nil
    ),
    ("limits: {calls: ${N:-}", "3:17 config-value '${' is never closed by '}'", nil),
    (
      "limits: {bodyBytes: 5MB}",
      "3:21 config-type 'limits.bodyBytes' must be a size in bytes, or in KiB, MiB or GiB, not '5MB'", nil
    ),
    (
      "limits: {bodyBytes: 99999GiB}", "3:21 config-value 'limits.bodyBytes' must be from 1 byte to 1024GiB",
      nil
    ),
    ("limits: 5", "3:9 config-type 'limits' must be a mapping, not a number", nil),
    (
      "logStorage: {driver: memory}",
      "3:14 config-unknown-key 'driver' must stand below an environment's name",
      "write it as 'logStorage: production: driver: …'"
    ),
    (
      "logStorage: {production: memory}",
      "3:26 config-type 'logStorage.production' must be a mapping, not text",
      "write 'logStorage: {ENVIRONMENT: {driver: …}}'"
    ),
    (
      "logStorage: {production: {path: x}}", "3:26 config-value 'logStorage.production.driver' is missing",
      nil
    ),
    (
      "logStorage: {production: {driver: postgresql}}",
      "3:35 config-value 'logStorage.production.driver' cannot be 'postgresql'", "did you mean 'postgres'?"
    ),
    (
      "logStorage: {production: {driver: redis}}",
      "3:35 config-value 'logStorage.production.driver' cannot be 'redis'",
      "it is one of memory, sqlite, postgres, kafka"
    ),
    (
      "logStorage: {production: {driver: postgres}}",
      "3:35 config-value the driver 'postgres' needs 'logStorage.production.connString'",
      "add 'connString: postgres://USER@HOST/DATABASE'"
    ),
    (
      "logStorage: {production: {driver: kafka, brokers: ~}}",
      "3:35 config-value the driver 'kafka' needs 'logStorage.production.brokers'", "add 'brokers: HOST:9092'"
    ),
    (
      "databases: {main: {drivr: sqlite}}", "3:20 config-unknown-key unknown key 'drivr' in 'databases.main'",
      "did you mean 'driver'?"
    ),
    (
      "databases: {main: {test: {pat: x}}}",
      "3:27 config-unknown-key unknown key 'pat' in 'databases.main.test'",
      "did you mean 'path'?"
    ),
    (
      "databases: {main: {driver: mysql}}", "3:28 config-value 'databases.main.driver' cannot be 'mysql'",
      "it is one of postgres, sqlite"
    ),
    (
      "databases: {main: {driver: postgres}}",
      "3:28 config-value the driver 'postgres' needs 'databases.main.connString'",
      "add 'connString: postgres://USER@HOST/DATABASE'"
    ),
    (
      "databases: {main: {path: x, test: {driver: postgres}}}",
      "3:44 config-value the driver 'postgres' needs 'databases.main.test.connString'",
      "add 'connString: postgres://USER@HOST/DATABASE'"
    ),
    (
      "databases: {a.b: {driver: sqlite}}",
      "3:13 config-value 'a.b' cannot stand here: a database's name is a letter, then letters, digits, '_' and '-'",
      nil
    ),
    (
      "databases: {main: sqlite}", "3:19 config-type 'databases.main' must be a mapping, not text",
      "write 'databases: {NAME: {driver: …}}'"
    ),
    (
      "logStorage: {a.b: {driver: memory}}",
      "3:14 config-value 'a.b' cannot stand here: an environment's name is a letter, then letters, digits, '_' and '-'",
      nil
    ),
    ("tls: {certificate: a}", "3:6 config-value 'tls.key' is missing", nil),
    (
      "include: [../x]",
      "3:11 config-value '../x' cannot be a name in 'include': a name is a path under app/ or lib/ such as 'models/user'",
      nil
    ),
  ])
  func mistake(_ yaml: String, _ expected: String, _ hint: String?) {
    // An unfinished flow mapping is a syntax error, not a value.
    guard yaml != "limits: {calls: ${N:-}" else { return #expect(!summaries(minimal + yaml).isEmpty) }
    #expect(summaries(minimal + yaml) == [expected])
    #expect(readConfig(minimal + yaml).diagnostics.first?.hint == hint)
    #expect(readConfig(minimal + yaml).config != nil)
  }

  @Test(arguments: [
    ("spacerVersion: 1\nappName: my_shop", "2:10 config-value 'my_shop' cannot be a name in 'appName'"),
    ("spacerVersion: 1\nappName: ${APP}", "2:10 config-value 'appName' is needed to build"),
    ("spacerVersion: 1\nappName: [a]", "2:10 config-type 'appName' must be a name, not a list"),
    ("spacerVersion: 2\nappName: a", "1:16 config-value this release of Spacer reads version 1"),
    ("spacerVersion: one\nappName: a", "1:16 config-type 'spacerVersion' must be the number 1, not text"),
    ("appName: a", "config-value 'spacerVersion' is missing"),
    ("- a\n- b", "1:1 config-type the configuration must be a mapping, not a list"),
    ("hello", "1:1 config-type the configuration must be a mapping, not text"),
  ])
  func mistakeAtTheTop(_ yaml: String, _ prefix: String) {
    let found = summaries(yaml)
    #expect(found.count == 1 && found.first?.hasPrefix(prefix) == true, "\(found)")
  }

  @Test func allErrorsAtOnce() {
    let found = summaries("topic: [a]\nappName: a_b\ntopics: [x-y]\nlimits: {calls: no, bodyBytes: -}\n")
    #expect(found.count == 6, "\(found)")
  }

  @Test func topicLength() {
    let longest = String(repeating: "a", count: 57)
    #expect(summaries(minimal + "topics: [\(longest)]").isEmpty)
    #expect(summaries(minimal + "topics: [\(longest)a]").count == 1)
  }

  @Test func fixesReplaceTheKey() {
    let (_, diagnostics) = readConfig(minimal + "topcs: [a]")
    #expect(
      diagnostics.first?.fix
        == Diagnostic.Fix(
          range: SourceRange(start: minimal.utf8.count, end: minimal.utf8.count + 5), replacement: "topics"))
  }
}
