import SpacerArtifact
import Testing

@testable import SpacerCompiler

/// Reads YAML text as config/application.yml.
func readConfig(_ text: String) -> (config: AppConfig?, diagnostics: [Diagnostic]) {
  ConfigReader.read(path: "config/application.yml", bytes: Array(text.utf8))
}

/// `line:column id message`, one a diagnostic, as the report would sort them.
func summaries(_ text: String) -> [String] {
  summaries(Array(text.utf8))
}

func summaries(_ bytes: [UInt8]) -> [String] {
  let map = LineMap(bytes)
  return ConfigReader.read(path: "config/application.yml", bytes: bytes).diagnostics.map { diagnostic in
    guard let range = diagnostic.location.range else {
      return "\(diagnostic.id.rawValue) \(diagnostic.message)"
    }
    let position = map.position(at: Int(range.start))
    return "\(position.line):\(position.column) \(diagnostic.id.rawValue) \(diagnostic.message)"
  }
}

let minimal = "spacerVersion: 1\nappName: shop\n"

struct ConfigReaderTests {
  @Test func readsEverything() throws {
    let (config, diagnostics) = readConfig(
      """
      spacerVersion: 1
      appName: book-shop
      topics:
        - orders
        - Shipments
      events:
        orders:
          APPEND:
            - triggers/reserve
            - notify
        Shipments:
          append: [notify]
      envVar: [SPACER_ENV, TOKEN]
      include:
        - "plugins/*"
      logStorage:
        development: {driver: sqlite, path: a.db}
        production:
          driver: kafka
          brokers: [one:9092, two:9092]
          properties:
            bootstrap.servers: x
            linger.ms: 5
            enable.idempotence: true
            ratio: 0.5
        staging:
          driver: postgres
          connString: ${DB:-postgres://localhost/x}
      consumerGroup: spacer-$appName
      functionInvoker: http://localhost:3000
      writeProxyListen: ":9065"
      writeProxyToken: ${TOKEN}
      listen: ["[::1]:80", "127.0.0.1:3000"]
      tls:
        certificate: a.pem
        key: b.pem
      limits:
        wallMilliseconds: 500
        bodyBytes: 2MiB
        headerBytes: 65536
        connections: ${CONNECTIONS:-100}
      delivery:
        maxAttempts: 3
      """)
    #expect(diagnostics.isEmpty)
    let app = try #require(config)
    #expect(app.appName.value == "book-shop")
    #expect(app.topics.map(\.value) == ["orders", "Shipments"])
    #expect(app.triggers.map(\.topic.value) == ["orders", "orders", "Shipments"])
    #expect(app.triggers.map(\.event.value) == ["APPEND", "APPEND", "APPEND"])
    #expect(app.triggers.map(\.function.value) == ["triggers/reserve", "notify", "notify"])
    #expect(app.environmentVariables.map(\.value) == ["SPACER_ENV", "TOKEN"])
    #expect(app.include.map(\.value) == ["plugins/*"])
    let settings = app.settings.map { "\($0.key) = \($0.value)" }
    #expect(
      settings == [
        "consumerGroup = string(\"spacer-$appName\")",
        "delivery.maxAttempts = integer(3)",
        "functionInvoker = string(\"http://localhost:3000\")",
        "limits.bodyBytes = integer(2097152)",
        "limits.connections = string(\"${CONNECTIONS:-100}\")",
        "limits.headerBytes = integer(65536)",
        "limits.wallMilliseconds = integer(500)",
        "listen.0 = string(\"[::1]:80\")",
        "listen.1 = string(\"127.0.0.1:3000\")",
        "logStorage.development.driver = string(\"sqlite\")",
        "logStorage.development.path = string(\"a.db\")",
        "logStorage.production.brokers.0 = string(\"one:9092\")",
        "logStorage.production.brokers.1 = string(\"two:9092\")",
        "logStorage.production.driver = string(\"kafka\")",
        "logStorage.production.properties.bootstrap.servers = string(\"x\")",
        "logStorage.production.properties.enable.idempotence = boolean(true)",
        "logStorage.production.properties.linger.ms = integer(5)",
        "logStorage.production.properties.ratio = float(0.5)",
        "logStorage.staging.connString = string(\"${DB:-postgres://localhost/x}\")",
        "logStorage.staging.driver = string(\"postgres\")",
        "tls.certificate = string(\"a.pem\")",
        "tls.key = string(\"b.pem\")",
        "writeProxyListen = string(\":9065\")",
        "writeProxyToken = string(\"${TOKEN}\")",
      ])
  }

  @Test func rangesCoverTheText() throws {
    let text = minimal + "topics: ['orders', ünsinn, \"b\"]\nenvVar:\n  - HOME # comment\n"
    let bytes = Array(text.utf8)
    let (config, diagnostics) = readConfig(text)
    func slice(_ range: SourceRange) -> String {
      String(decoding: bytes[Int(range.start)..<Int(range.end)], as: UTF8.self)
    }
    let app = try #require(config)
    #expect(slice(app.appName.range) == "shop")
    #expect(app.topics.map { slice($0.range) } == ["'orders'", "\"b\""])
    #expect(app.environmentVariables.map { slice($0.range) } == ["HOME"])
    #expect(diagnostics.map { slice($0.location.range ?? SourceRange(start: 0, end: 0)) } == ["ünsinn"])
  }

  @Test func aKeyWithoutAValueIsAbsent() throws {
    let empties = ConfigSchema.children(of: "").map(\.name).filter {
      $0 != "spacerVersion" && $0 != "appName"
    }
    for value in ["", " ~", " null"] {
      let (config, diagnostics) = readConfig(minimal + empties.map { "\($0):\(value)\n" }.joined())
      #expect(diagnostics.isEmpty)
      #expect(config?.settings.isEmpty == true && config?.topics.isEmpty == true)
    }
    #expect(summaries(minimal + "limits:\n  bodyBytes:\nlogStorage:\n  production:\n").isEmpty)
    #expect(summaries("spacerVersion: 1\nappName:\n") == ["config-value 'appName' is missing"])
  }

  @Test func theOriginalsProjectIsFine() {
    #expect(
      summaries(
        """
        spacerVersion: 1
        appName: original-cases
        topics:
        events:
        envVar:
          - SPACER_ENV
          - SPACER_INTERNAL_TOKEN
        logStorage:
          development:
            driver: memory
          production:
            driver: memory
        """
      ).isEmpty)
  }

  @Test func byteOrderMarkAndLineEnds() throws {
    let text = "\u{FEFF}spacerVersion: 1\r\nappName: shop\r\ntopics:\r\n  - a\r\n  - b-c\r\n"
    #expect(
      summaries(text) == [
        "5:5 topic-name 'b-c' cannot be a name in 'topics': a topic's name is a letter, then letters, digits "
          + "and '_', at most 57 bytes"
      ])
    // The first line's columns count from the text, wherever the mark is.
    let first = ConfigReader.read(
      path: "c", bytes: Array("\u{FEFF}spacerVersion: 2\nappName: a\n".utf8)
    ).diagnostics
    #expect(first.first?.location.range == SourceRange(start: 18, end: 19))
    #expect(summaries(minimal.replacing("\n", with: "\r")).isEmpty)
  }

  @Test func emptyFilesNameWhatIsMissing() {
    let missing = ["config-value 'appName' is missing", "config-value 'spacerVersion' is missing"]
    for text in ["", "\n\n", "# nothing\n", "---\n", "---\n...\n", "~\n", "{}", "\u{FEFF}"] {
      #expect(summaries(text) == missing, "\(text.debugDescription)")
      #expect(readConfig(text).config != nil)
    }
  }

  @Test func aliasesAndMergeKeys() throws {
    let (config, diagnostics) = readConfig(
      minimal + """
        topics: &all [orders, "users"]
        events:
          orders: &wiring
            APPEND: [first]
          users: *wiring
        logStorage:
          development: &base
            driver: postgres
            connString: &db "postgres://*x"
          production:
            <<: *base
            connString: other
          staging:
            <<: [{connString: third}, *base]
          test: {driver: postgres, connString: *db}
        """)
    #expect(diagnostics.isEmpty)
    let app = try #require(config)
    #expect(app.triggers.map(\.topic.value) == ["orders", "users"])
    #expect(
      app.settings.filter { $0.key.hasSuffix("connString") }.map { "\($0.value)" } == [
        "string(\"postgres://*x\")", "string(\"other\")", "string(\"third\")", "string(\"postgres://*x\")",
      ])
  }
}
