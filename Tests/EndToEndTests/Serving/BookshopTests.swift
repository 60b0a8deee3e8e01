// Fixtures/bookshop from end to end, on SQLite and on PostgreSQL: the same functions, the same answers.

import Foundation
import SpacerTestSupport
import Testing

@Suite struct BookshopTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func bookshop(_ database: TestDriver, payments: RunningServer) throws -> RunningServer {
    var environment = [
      "PAYMENTS_URL": "http://127.0.0.1:\(payments.port)", "ADMIN_SECRET": Bookshop.secret,
      "BOOKSHOP_FILE": workspace.path + "/bookshop.db", "BOOKSHOP_EVENTS": workspace.path + "/events.db",
      "BOOKSHOP_PROXY_PORT": "0",
    ]
    switch database {
    case .sqlite: environment["SPACER_ENV"] = "development"
    case .postgres:
      environment["SPACER_ENV"] = "production"
      let postgres = try PostgresServer.shared.get()
      let schema = "bookshop" + UUID().uuidString.replacingOccurrences(of: "-", with: "").lowercased()
      try postgres.sql("CREATE SCHEMA \(schema)")
      environment["BOOKSHOP_DATABASE"] = DatabaseServer.connString(schema, postgres)
    }
    return try RunningServer.serving(Tool.fixture("bookshop"), in: workspace, environment: environment)
  }

  private func order(_ shop: RunningServer, _ book: String, _ quantity: Int, card: String) throws
    -> HTTPResponse
  {
    try shop.post("/orders", json: #"{"book":"\#(book)","quantity":\#(quantity),"card":"\#(card)"}"#)
  }

  private func stock(_ shop: RunningServer, _ book: String) throws -> Double? {
    try shop.get("/books/\(book)").json?["data"]?["stock"]?.number
  }

  @Test(arguments: TestDriver.allCases)
  func aDayInTheBookshop(database: TestDriver) throws {
    let payments = try Bookshop.paymentService()
    let shop = try bookshop(database, payments: payments)
    #expect(try shop.post("/private/migrate", json: "{}").json == JSONValue(#"{"data":{"added":3}}"#))
    #expect(try shop.post("/private/migrate", json: "{}").json == JSONValue(#"{"data":{"added":0}}"#))

    try browse(shop)
    try buy(shop)
    try administrate(shop, payments)

    #expect(
      try shop.request("POST", "/private/cleanup", headers: [("X-Forwarded-For", "1.2.3.4")], body: "{}")
        .status
        == 403)
    let removed = try shop.post("/private/cleanup", json: #"{"days":0}"#)
    #expect(removed.json == JSONValue(#"{"data":{"removed":2}}"#), "\(removed.text)")
    #expect(try shop.stop() == 0)
  }

  private func browse(_ shop: RunningServer) throws {
    #expect(try shop.get("/books").json?["data"]?.items?.count == 3)
    let found = try shop.get("/books?author=Benjamin+Pierce")
    #expect(
      found.json
        == JSONValue(
          """
          {"data":[{"id":"b-tapl","title":"Types and Programming Languages","author":"Benjamin Pierce",
          "price":6100,"stock":1}]}
          """), "\(found.text)")
    #expect(try shop.get("/books?author='%20OR%201=1%20--").json == JSONValue(#"{"data":[]}"#))
    let wrong = try shop.get("/books?limit=many")
    #expect(wrong.status == 400)
    #expect(wrong.text.contains("limit"), "\(wrong.text)")
    #expect(try shop.get("/books/b-lua").json?["data"]?["price"]?.number == 3500)
    #expect(try shop.get("/books/none").status == 404)
  }

  private func buy(_ shop: RunningServer) throws {
    let wrong = try shop.post("/orders", json: #"{"quantity":0,"card":"x"}"#)
    #expect(wrong.status == 400)
    for field in ["book", "quantity", "card"] { #expect(wrong.text.contains(field), "\(wrong.text)") }

    let bought = try order(shop, "b-lua", 2, card: "card-good")
    #expect(bought.status == 201, "\(bought.text)")
    #expect(bought.json?["data"]?["total"]?.number == 7000)
    let place = try #require(bought.header("Location"))
    #expect(try shop.get(place).json?["data"]?["quantity"]?.number == 2)
    #expect(try stock(shop, "b-lua") == 3)

    // What fails after the stock was taken gives it back.
    #expect(try order(shop, "b-lua", 1, card: "card-declined").status == 402)
    #expect(try order(shop, "b-lua", 1, card: "card-slow").status == 503)
    #expect(try order(shop, "b-lua", 4, card: "card-good").status == 409)
    #expect(try stock(shop, "b-lua") == 3)

    // One copy, five customers at once.
    let connections = try (0..<5).map { _ in
      let connection = try HTTPConnection(port: shop.port)
      let body = #"{"book":"b-tapl","quantity":1,"card":"card-good"}"#
      try connection.send(
        "POST /orders HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      return connection
    }
    let statuses = try connections.map { try $0.response(to: "POST").status }.sorted()
    #expect(statuses == [201, 409, 409, 409, 409])
    #expect(try stock(shop, "b-tapl") == 0)
  }

  private func administrate(_ shop: RunningServer, _ payments: RunningServer) throws {
    func add(_ token: String?) throws -> HTTPResponse {
      try shop.request(
        "POST", "/admin/books", headers: token.map { [("Authorization", "Bearer \($0)")] } ?? [],
        body: #"{"title":"A Philosophy of Software Design","author":"John Ousterhout","price":2100}"#)
    }
    let secret = Bookshop.secret
    let unsigned = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJib29rc2hvcC1hZG1pbiIsImV4cCI6OTk5OTk5OTk5OX0."
    for refused in [
      nil, "nonsense", unsigned, try Bookshop.token(payments, "another secret, which is as long as that"),
      try Bookshop.token(payments, secret, aud: "someone else"),
      try Bookshop.token(payments, secret, seconds: -10),
    ] {
      let answer = try add(refused)
      #expect(answer.status == 401, "\(refused ?? "none"): \(answer.text)")
      #expect(answer.header("WWW-Authenticate") == "Bearer")
    }
    let added = try add(try Bookshop.token(payments))
    #expect(added.status == 201, "\(added.text)")
    let place = try #require(added.header("Location"))
    #expect(try shop.get(place).json?["data"]?["stock"]?.number == 0)
  }
}
