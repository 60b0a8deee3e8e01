// What Fixtures/bookshop needs around it.

import Testing

enum Bookshop {
  static let secret = "the long secret of a small bookshop"

  /// The payment service: another Spacer application, which also makes the administrator's tokens.
  static func paymentService() throws -> RunningServer {
    try RunningServer.serving(
      [
        "app/gateway.lua": #"return { {"POST", "/charges", "charge"}, {"POST", "/token", "token"} }"#,
        "app/charge.lua": """
        return function(args)
          if args.card == "card-declined" then return nil, "declined", { status = 402 } end
          if args.card == "card-slow" then sleep(20) end
          return { charged = args.amount }
        end

        """,
        "app/token.lua": """
        local jwt = require "jwt"
        return function(args)
          return jwt.encode({ aud = args.aud, exp = os.time() + args.seconds }, args.secret, "HS256")
        end

        """,
      ], in: try Workspace())
  }

  /// A token for the administrator's routes.
  static func token(
    _ payments: RunningServer, _ secret: String = secret, aud: String = "bookshop-admin", seconds: Int = 60
  ) throws -> String {
    let body = #"{"secret":"\#(secret)","aud":"\#(aud)","seconds":\#(seconds)}"#
    return try #require(try payments.post("/token", json: body).json?["data"]?.string)
  }
}
