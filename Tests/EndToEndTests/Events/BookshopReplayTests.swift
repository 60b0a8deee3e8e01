// Fixtures/bookshop and its report on sales, which is made from the events of orders: on every storage it is thrown
// away and made again from the log, while orders keep coming.

import Foundation
import Glibc
import SpacerTestSupport
import Synchronization
import Testing

@Suite struct BookshopReplayTests {
  /// The fixture with its events on another storage, built.
  private func build(_ storage: EventStorage) throws -> String {
    let project = storage.workspace.path + "/bookshop"
    try FileManager.default.copyItem(atPath: Tool.fixture("bookshop"), toPath: project)
    let file = "bookshop/config/application.yml"
    let text = try String(contentsOfFile: storage.workspace.path + "/" + file, encoding: .utf8)
    let start = try #require(text.range(of: "logStorage:"))
    let end = try #require(text.range(of: "writeProxyListen:"))
    let other =
      text[..<start.lowerBound] + "logStorage:\n  development:\n    \(storage.lines)\n"
      + text[end.lowerBound...]
    try storage.workspace.write(
      other.replacingOccurrences(of: "appName: bookshop", with: "appName: \(storage.appName)"), to: file)
    return try storage.workspace.build(project, to: "bookshop.spx")
  }

  /// Places orders, on a thread of its own, until it is told to end. Thread-safe.
  private final class Customers: Sendable {
    private let isEnding = Mutex(false)
    private let sold = Mutex<Result<Int, any Error>>(.success(0))
    private let hasEnded = Mutex(false)

    init(_ shop: RunningServer, _ book: String) {
      Thread.detachNewThread { [self] in
        while !isEnding.withLock({ $0 }) {
          let one = Result { try BookshopReplayTests.order(shop, book) }
          let isGood = sold.withLock { all in
            all = all.flatMap { count in one.map { count + 1 } }
            return (try? all.get()) != nil
          }
          if !isGood { break }
        }
        hasEnded.withLock { $0 = true }
      }
    }

    var count: Int { get throws { try sold.withLock { try $0.get() } } }

    func end() throws -> Int {
      isEnding.withLock { $0 = true }
      try waitUntil("the customers have left") { hasEnded.withLock { $0 } }
      return try count
    }
  }

  private static func order(_ shop: RunningServer, _ book: String) throws {
    let answer = try shop.post("/orders", json: #"{"book":"\#(book)","quantity":1,"card":"card-good"}"#)
    guard answer.status == 201 else { throw HarnessError("an order: \(answer.status) \(answer.text)") }
  }

  @Test(arguments: EventDriver.allCases)
  func salesAreMadeAgainWhileOrdersKeepComing(driver: EventDriver) throws {
    let storage = try EventStorage(driver)
    let artifact = try build(storage)
    let payments = try Bookshop.paymentService()
    let environment = [
      "PAYMENTS_URL": "http://127.0.0.1:\(payments.port)", "ADMIN_SECRET": Bookshop.secret,
      "BOOKSHOP_FILE": storage.workspace.path + "/bookshop.db", "BOOKSHOP_PROXY_PORT": "0",
    ]
    let server = try EventServer(artifact, environment: environment)
    let shop = server.server
    #expect(try shop.post("/private/migrate", json: "{}").status == 200)
    let added = try shop.request(
      "POST", "/admin/books", headers: [("Authorization", "Bearer \(try Bookshop.token(payments))")],
      body: #"{"title":"The Art of Computer Programming","author":"Knuth","price":300,"stock":100000}"#)
    let book = try #require(added.json?["data"]?["id"]?.string)
    func sold() throws -> Int {
      let rows = try shop.get("/sales").json?["data"]?.items ?? []
      return rows.first { $0["book"]?.string == book }?["quantity"]?.number.map { Int($0) } ?? 0
    }

    for _ in 1...30 { try Self.order(shop, book) }
    try waitUntil("the report has the first orders") { try sold() == 30 }

    let customers = Customers(shop, book)
    try waitUntil("more are coming") { try customers.count >= 10 }
    #expect(try shop.post("/private/forget_sales", json: "{}").status == 200)
    let url: [String] = driver == .memory ? ["--url", "http://127.0.0.1:\(server.proxyPort)"] : []
    let replay = try Tool.run(
      ["replay", artifact, "--topic", "orders_placed", "--function", "sales/record", "--group", "rebuild-1"]
        + url, environment: environment, folder: storage.workspace.path)
    #expect(replay.status == 0, "\(replay.errors)")
    let count = try customers.end()
    #expect(count > 10)
    try waitUntil("the report has every order") { try sold() == 30 + count }
    let total = try shop.get("/sales").json?["data"]?.items?.first { $0["book"]?.string == book }?["total"]
    #expect(total?.number == Double(300 * (30 + count)))
    #expect(try shop.stop() == 0)
  }
}
