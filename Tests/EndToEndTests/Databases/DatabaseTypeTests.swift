// Types of `require "db"`, both ways.

import Testing

@Suite struct DatabaseTypeTests {
  @Test func postgresTypesComeAsLuaValues() throws {
    let served = try DatabaseServer(
      .postgres,
      [
        "read": """
        local row = db.one([[SELECT 7::int2 a, (-2147483648)::int4 b, 9223372036854775807::int8 c,
          1.5::float4 d, 0.1::float8 e, 12345678901234567890.12::numeric f, true g, false h,
          '{"k":[1,null,{}]}'::json i, '[]'::jsonb j, '\\x00ff41'::bytea k,
          '2024-05-06 07:08:09.5+02'::timestamptz l, '2024-05-06 07:08:09'::timestamp m, '2024-05-06'::date n,
          '07:08:09'::time o, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid p, 'text "q"'::text q, NULL::int r,
          'infinity'::float8 s, 'null'::jsonb t, '1 day 2 hours'::interval u]])
        row.k = {row.k:byte(1, -1)}
        row.c_type, row.d_type = math.type(row.c), math.type(row.d)
        row.s = row.s == math.huge
        row.t = row.t == db.null
        row.c_exact = row.c == math.maxinteger
        row.c = nil
        return row
        """,
        "arrays": """
        return db.one([[SELECT '{1,2,NULL}'::int[] a, '{{1,2},{3,4}}'::int8[] b, '{}'::text[] c,
          ARRAY['a', 'b "c" \\d', NULL, 'NULL', '', 'x,y', '{z}'] d, '{t,f}'::bool[] e, '{1.5,2}'::numeric[] f,
          ARRAY['{"k":1}'::jsonb] g, ARRAY['2024-05-06 07:08:09+00'::timestamptz] h, '[0:1]={5,6}'::int[] i,
          ARRAY['\\x41'::bytea] j]])
        """,
      ])
    #expect(
      try served.data("read")
        == JSONValue(
          """
          {"a":7,"b":-2147483648,"c_type":"integer","c_exact":true,"d":1.5,"d_type":"float","e":0.1,
          "f":"12345678901234567890.12","g":true,"h":false,"i":{"k":[1,null,{}]},"j":[],"k":[0,255,65],
          "l":"2024-05-06T05:08:09.5Z","m":"2024-05-06T07:08:09","n":"2024-05-06","o":"07:08:09",
          "p":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","q":"text \\"q\\"","r":null,"s":true,"t":true,"u":"P1DT2H"}
          """))
    #expect(
      try served.data("arrays")
        == JSONValue(
          #"{"a":[1,2,null],"b":[[1,2],[3,4]],"c":[],"d":["a","b \"c\" \\d",null,"NULL","","x,y","{z}"],"#
            + #""e":[true,false],"f":["1.5","2"],"g":[{"k":1}],"h":["2024-05-06T07:08:09Z"],"i":[5,6],"#
            + #""j":["A"]}"#))
  }

  @Test func luaValuesGoToPostgres() throws {
    let served = try DatabaseServer(
      .postgres,
      [
        "write": """
        db.exec([[CREATE TABLE t (a int, b int8, c float8, d numeric, e bool, f jsonb, g bytea, h timestamptz,
          i text, j int[], k text[], l jsonb, m int, n bytea[], o text[][])]])
        db.exec("INSERT INTO t VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)",
          10 / 2, math.mininteger, 0.1, "1.10", true, {k = {1, db.null}}, db.bytes("\\0\\255A"),
          "2024-05-06T07:08:09+02:00", "it's \\\\ \\"x\\"", db.array{1, db.null, 3},
          db.array{'a "b" \\\\', "NULL", "", "x,{y}"}, {}, nil, db.array{db.bytes("\\1\\2")},
          db.array{{"a", "b"}, {"c", "d"}})
        local row = db.one("SELECT * FROM t")
        row.g = {row.g:byte(1, -1)}
        row.n = {row.n[1]:byte(1, -1)}
        row.b = row.b == math.mininteger
        return row
        """,
        "nul": "db.one('SELECT $1::text', 'a\\0b')",
        "special": """
        local row = db.one("SELECT $1::float8 a, $2::float8 b, $3::float8 c, $4::text d, $5::bool e",
          0/0, 1/0, 1e300, "ü", false)
        return {row.a ~= row.a, row.b == math.huge, row.c == 1e300, row.d, row.e}
        """,
        "any":
          "return db.query('SELECT n FROM generate_series(1, 5) n WHERE n = ANY($1::int[])', db.array{2, 4})",
      ])
    #expect(
      try served.data("write")
        == JSONValue(
          #"{"a":5,"b":true,"c":0.1,"d":"1.10","e":true,"f":{"k":[1,null]},"g":[0,255,65],"#
            + #""h":"2024-05-06T05:08:09Z","i":"it's \\ \"x\"","j":[1,null,3],"k":["a \"b\" \\","NULL","","x,{y}"],"#
            + #""l":{},"m":null,"n":[1,2],"o":[["a","b"],["c","d"]]}"#))
    let nul = try served.server.post("/nul", json: "{}")
    #expect(nul.text.contains("use db.bytes"), "\(nul.text)")
    #expect(try served.data("special") == JSONValue(#"[true,true,true,"ü",false]"#))
    #expect(try served.data("any") == JSONValue(#"[{"n":2},{"n":4}]"#))
  }

  @Test func numericAsNumber() throws {
    let served = try DatabaseServer(
      .postgres,
      [
        "read": "local r = db.one('SELECT 1.50::numeric a, 7::numeric b') r.b_type = math.type(r.b) return r",
        "zone":
          "db.exec(\"SET timezone = 'Asia/Kolkata'\") return db.one(\"SELECT '2024-01-01 00:00+00'::timestamptz t\").t",
      ], extra: "    numeric: number\n    poolSize: 1\n")
    #expect(try served.data("read") == JSONValue(#"{"a":1.5,"b":7,"b_type":"integer"}"#))
    #expect(try served.data("zone") == .string("2024-01-01T05:30:00+05:30"))
  }

  @Test func sqliteTypes() throws {
    let served = try DatabaseServer(
      .sqlite,
      [
        "both": """
        db.exec("CREATE TABLE t (a integer, b real, c text, d blob, e, f text, g text)")
        db.exec("INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7)", math.maxinteger, 0.5, "ü'", db.bytes("\\0\\255"),
          db.null, {k = 1}, db.array{1, 2})
        local row = db.one("SELECT *, $1 AS h FROM t", true)
        row.a = row.a == math.maxinteger
        row.d = {row.d:byte(1, -1)}
        return row
        """,
        "reordered": "return db.one('SELECT $2 AS a, $1 AS b, $2 AS c', 'one', 'two')",
        "named": "return db.one('SELECT :a', 1)",
        "positional": "return db.one('SELECT ?', 1)",
        "outside": "return db.exec(\"ATTACH '/tmp/spacer-attached.db' AS x\")",
        "copy": "return db.exec(\"VACUUM INTO '/tmp/spacer-vacuumed.db'\")",
        "vacuum": "return db.exec('VACUUM')",
        "settings": """
        return {db.one("PRAGMA journal_mode").journal_mode, db.one("PRAGMA foreign_keys").foreign_keys,
          db.one("PRAGMA synchronous").synchronous}
        """,
      ])
    #expect(
      try served.data("both")
        == JSONValue(
          #"{"a":true,"b":0.5,"c":"ü'","d":[0,255],"e":null,"f":"{\"k\":1}","g":"[1,2]","h":1}"#))
    #expect(try served.data("reordered") == JSONValue(#"{"a":"two","b":"one","c":"two"}"#))
    #expect(try served.server.post("/named", json: "{}").text.contains("write parameters as $1"))
    #expect(try served.server.post("/positional", json: "{}").text.contains("write parameters as $1"))
    #expect(try served.server.post("/outside", json: "{}").json?["error"]?["sqlstate"] == .string("42501"))
    #expect(try served.server.post("/copy", json: "{}").status == 500)
    #expect(try served.data("vacuum") == .number(0))
    #expect(try served.data("settings") == JSONValue(#"["wal",1,2]"#))
  }

  @Test(arguments: TestDriver.allCases)
  func resultsAreBounded(_ driver: TestDriver) throws {
    let series = """
      WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000)
      SELECT n, 'some text that takes room' AS t FROM s
      """
    let served = try DatabaseServer(
      driver,
      [
        "large": "return #db.query([[\(series)]])",
        "first": "return db.one([[\(series)]]).n",
        "count": "return db.exec([[\(series)]])",
        "small": "return db.one('SELECT 1 AS one').one",
      ], extra: "    resultBytes: 64KiB\n    poolSize: 1\n")
    for _ in 0..<2 {
      let large = try served.server.post("/large", json: "{}")
      #expect(large.json?["error"]?["sqlstate"] == .string("54000"), "\(large.text)")
      #expect(large.text.contains("databases.default.resultBytes"))
      #expect(try served.data("small") == .number(1))
    }
    #expect(try served.data("first") == .number(1))
    #expect(try served.data("count") == .number(100_000))
  }
}
