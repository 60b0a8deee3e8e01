// `crypto`, `hmac` and `uuid` against published vectors, and what they refuse.

import Foundation
import Synchronization
import Testing

@testable import SpacerRuntime

@Suite struct CryptoModuleTests {
  @Test func digests() throws {
    try ModuleHost.check(
      """
      local crypto = require "crypto"
      eq(crypto.md5(""), "d41d8cd98f00b204e9800998ecf8427e")
      eq(crypto.sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d")
      eq(crypto.sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
      eq(crypto.sha384("abc"):sub(1, 32), "cb00753f45a35e8bb5a03d699ac65007")
      eq(crypto.sha512("abc"):sub(1, 32), "ddaf35a193617abacc417349ae204131")
      eq(crypto.sha224("abc"), "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7")
      eq(crypto.sha256("abc", "raw"), crypto.hex_decode(crypto.sha256("abc", "hex")))
      fails("app/test.lua:", crypto.sha256, nil)
      fails("argument 1 must be a string, not a number", crypto.sha256, 1)
      fails("the form is", crypto.sha256, "a", "base64")
      """)
  }

  /// RFC 4231, test cases 1, 2 and 6.
  @Test func messageCodes() throws {
    try ModuleHost.check(
      """
      local crypto, hmac = require "crypto", require "hmac"
      eq(crypto.hmac("sha256", ("\\x0b"):rep(20), "Hi There"),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
      eq(crypto.hmac("sha512", "Jefe", "what do ya want for nothing?"),
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        .. "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737")
      eq(crypto.hmac("sha256", ("\\xaa"):rep(131), "Test Using Larger Than Block-Size Key - Hash Key First"),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
      eq(#crypto.hmac("sha384", "", "", "raw"), 48)
      fails("unknown digest", crypto.hmac, "sha3", "k", "v")

      eq(require "resty.hmac", hmac)
      local h = hmac:new("secret_key", hmac.ALGOS.SHA1)
      eq(h:update("he"), true)
      eq(h:update("llo"), true)
      eq(crypto.hex_encode(h:final()), "aee4b890b574ea8fa4f6a66aed96c3e590e5925a")
      eq(h:update("more"), false)
      eq(h:final(), nil)
      eq(h:reset(), true)
      eq(h:final("world", true), "4e9538f1efbe565c522acfb72fce6092ea6b15e0")
      eq(hmac:new("k"):final("v", true), crypto.hmac("md5", "k", "v"))
      for name, algorithm in pairs(hmac.ALGOS) do
        eq(hmac:new("k", algorithm):final("v", true), crypto.hmac(name:lower(), "k", "v"), name)
      end
      fails("one of hmac.ALGOS", hmac.new, hmac, "k", "sha3")
      fails("read-only", function() hmac.ALGOS.SHA256 = "md5" end)
      fails("read-only", function() rawset(hmac, "new", 1) end)
      eq(next(h), nil, "no field of an object shows its key")
      """)
  }

  @Test func textCodes() throws {
    try ModuleHost.check(
      """
      local c = require "crypto"
      local plain = { "", "f", "fo", "foo", "foob", "fooba", "foobar" }
      local coded = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" }
      for i = 1, #plain do
        eq(c.base64_encode(plain[i]), coded[i])
        eq(c.base64_decode(coded[i]), plain[i])
        local bare = coded[i]:gsub("=", "")
        eq(c.base64url_encode(plain[i]), bare)
        eq(c.base64url_decode(bare), plain[i])
      end
      eq(c.base64url_encode("\\xfb\\xff\\xfe"), "-__-")
      eq(c.base64_encode("\\xfb\\xff\\xfe"), "+//+")
      for _, wrong in ipairs { "Zg", "Zg=", "Z===", "Zh==", "Zm9=", "Zm9v\\n", "Zg==Zg==", "-__-", "=", "====" } do
        local bytes, failure = c.base64_decode(wrong)
        eq(bytes, nil, wrong)
        eq(type(failure), "string", wrong)
      end
      for _, wrong in ipairs { "Zg==", "Z", "Zh", "Zm9", "+//+", "Zg\\0" } do eq(c.base64url_decode(wrong), nil, wrong) end
      eq(c.hex_encode("\\0\\xAb"), "00ab")
      eq(c.hex_decode("00aB"), "\\0\\xab")
      eq(select(2, c.hex_decode("0")), "an odd number of hexadecimal digits")
      eq(select(2, c.hex_decode("0g")), "no hexadecimal digit at byte 2")
      """)
  }

  @Test func textCodesGoBothWays() throws {
    var generator = SeededGenerator(state: Fuzz.seed("text codes"))
    try Fuzz.run {
      let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      for code in [TextCode.hex, .base64, .base64URL, .base64Bare] {
        var text = OutputBuffer()
        bytes.withUnsafeBytes { code.encode($0, to: &text) }
        var back = OutputBuffer()
        try #require(code.decode(text.bytes, to: &back) == nil)
        try #require(back.bytes.elementsEqual(bytes))
        // Whatever else is accepted is the one text of what it gives.
        var other = Array(text.bytes)
        guard !other.isEmpty else { continue }
        other[Int.random(in: 0..<other.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
        var decoded = OutputBuffer()
        guard other.withUnsafeBytes({ code.decode($0, to: &decoded) }) == nil else { continue }
        var again = OutputBuffer()
        code.encode(decoded.bytes, to: &again)
        if code == .hex {
          for index in other.indices where (65...70).contains(other[index]) { other[index] |= 0x20 }
        }
        try #require(again.bytes.elementsEqual(other))
      }
    }
  }

  @Test func randomAndEqual() throws {
    try ModuleHost.check(
      """
      local c = require "crypto"
      eq(#c.random_bytes(0), 0)
      eq(#c.random_bytes(1048576), 1048576)
      eq(#c.random_hex(16), 32)
      local seen = {}
      for i = 1, 1000 do
        local r = c.random_bytes(16)
        eq(seen[r], nil)
        seen[r] = true
      end
      for _, wrong in ipairs { -1, 1.5, 1048577, "4" } do fails("number of bytes", c.random_bytes, wrong) end
      eq(c.equal("abc", "abc"), true)
      eq(c.equal("abc", "abd"), false)
      eq(c.equal("abc", "abcd"), false)
      eq(c.equal("", ""), true)
      fails("argument 2 must be a string, not a nil", c.equal, "a", nil)
      fails("read-only", function() c.sha256 = nil end)
      """)
  }

  /// RFC 9562, appendix A, and RFC 4122's well-known examples.
  @Test func identifiers() throws {
    try ModuleHost.check(
      """
      local uuid = require "uuid"
      eq(uuid.generate_v3(uuid.DNS, "www.example.com"), "5df41881-3aed-3515-88a7-2f4a814cf09e")
      eq(uuid.generate_v5(uuid.DNS, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2")
      eq(uuid.factory_v3(uuid.DNS)("www.example.com"), uuid.v3(uuid.DNS, "www.example.com"))
      eq(uuid.factory_v5(uuid.DNS:upper())("www.example.com"), uuid.v5(uuid.DNS, "www.example.com"))
      eq(uuid.v5("nonsense", "x"), nil)
      eq(select(2, uuid.factory_v5("nonsense")), "the namespace must be a valid UUID")
      fails("app/test.lua:", uuid.v5, uuid.DNS, 1)
      uuid.seed()
      eq(uuid.seed(42), 42)
      local seen, last = {}, ""
      for i = 1, 10000 do
        local random, ordered = i % 2 == 0 and uuid() or uuid.generate_v4(), uuid.v7()
        assert(random:find("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"), random)
        assert(ordered:find("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-7%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"), ordered)
        assert(ordered > last)
        eq(seen[random], nil)
        seen[random], last = true, ordered
      end
      assert(uuid.is_valid(last) and uuid.is_valid(last:upper()))
      for _, wrong in ipairs { "", "x", last .. "0", last:gsub("-", "_"), last:sub(2), 12, {} } do
        eq(uuid.is_valid(wrong), false)
      end
      eq(uuid.is_valid(nil), false)
      """)
  }

  @Test func orderedIdentifiersFollowTheClock() throws {
    func text(_ value: UUIDValue) -> String {
      var output = OutputBuffer()
      value.appendText(to: &output)
      return String(decoding: output.bytes, as: UTF8.self)
    }
    // RFC 9562, appendix A.6.
    var sequence = UUIDSequence()
    let first = sequence.next(now: 0x017F_22E2_79B0, random: (0x4C3, 0x18C4_DC0C_0C07_398F))
    #expect(text(first) == "017f22e2-79b0-74c3-98c4-dc0c0c07398f")
    var last = text(first)
    for index in 0..<10_000 {
      let next = text(sequence.next(now: 0x017F_22E2_79B0 - UInt64(index % 3), random: (.max, 0)))
      #expect(next > last)
      last = next
    }
    #expect(text(sequence.next(now: 0x017F_22E2_8000, random: (0, 0))).hasPrefix("017f22e2-8000-7000-8000"))
  }

  /// RFC 7914, section 12.
  @Test(arguments: [
    ("", "", 4, 1, 1, "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"),
    ("password", "NaCl", 10, 8, 16, "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"),
    (
      "pleaseletmein", "SodiumChloride", 14, 8, 1,
      "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    ),
  ])
  func passwordHashes(
    _ password: String, _ salt: String, _ logN: Int64, _ r: Int64, _ p: Int64, _ begin: String
  ) throws {
    let result = Mutex<[UInt8]?>(nil)
    let cost = try #require(PasswordCost(logN: logN, r: r, p: p))
    let job = PasswordJob(password: Array(password.utf8), salt: Array(salt.utf8), cost: cost, hashBytes: 64) {
      hash in result.withLock { $0 = hash }
    }
    job.run()
    let hash = try #require(result.withLock { $0 })
    var text = OutputBuffer()
    hash.withUnsafeBytes { TextCode.hex.encode($0, to: &text) }
    #expect(String(decoding: text.bytes, as: UTF8.self).hasPrefix(begin))
  }

  @Test func passwordCostsAreBounded() {
    #expect(PasswordCost(logN: 15, r: 8, p: 3) != nil)
    #expect(PasswordCost(logN: 18, r: 8, p: 1) != nil)
    for (logN, r, p) in [(0, 8, 1), (21, 8, 1), (20, 8, 1), (15, 0, 1), (15, 8, 0), (15, 33, 1), (15, 8, 17)]
      as [(Int64, Int64, Int64)]
    {
      #expect(PasswordCost(logN: logN, r: r, p: p) == nil, "\(logN) \(r) \(p)")
    }
  }

  @Test func passwordsInParallelAreBounded() throws {
    let threads = PasswordThreads(countMax: 1)
    let cost = try #require(PasswordCost(logN: 1, r: 1, p: 1))
    let gate = DispatchSemaphore(value: 0)
    let finished = Atomic<Int>(0)
    let isStarted = DispatchSemaphore(value: 0)
    func job() -> PasswordJob {
      PasswordJob(password: [1], salt: [1], cost: cost, hashBytes: 16) { hash in
        if hash?.count == 16 { finished.add(1, ordering: .sequentiallyConsistent) }
        isStarted.signal()
        gate.wait()
      }
    }
    try #require(threads.submit(job()))
    try #require(isStarted.wait(timeout: .now() + 30) == .success)
    // The one thread is at the first job: the rest wait.
    let waiting = (0..<PasswordThreads.pendingCountMax).map { _ in job() }
    for job in waiting { try #require(threads.submit(job)) }
    #expect(!threads.submit(job()))
    for job in waiting[..<10] { job.isCancelled.store(true, ordering: .relaxed) }
    try #require(threads.submit(job()), "what nobody waits for gives its place away")
    let count = 1 + PasswordThreads.pendingCountMax - 10 + 1
    for _ in 0..<count { gate.signal() }
    for _ in 1..<count { try #require(isStarted.wait(timeout: .now() + 30) == .success) }
    #expect(finished.load(ordering: .sequentiallyConsistent) == count)
    // A thread that ended is replaced by the next job's.
    gate.signal()
    try #require(threads.submit(job()))
    #expect(isStarted.wait(timeout: .now() + 30) == .success)
  }

  @Test func passwordsWaitOnlyInsideAHandler() throws {
    try ModuleHost.check(
      """
      local c = require "crypto"
      fails("cannot wait while a module loads", c.hash_password, "pw")
      fails("ln below 14", c.hash_password, "pw", { ln = 10 })
      fails("unknown option 'cost'", c.hash_password, "pw", { cost = 10 })
      fails("must be a string", c.hash_password, 1)
      fails("at most 4096 bytes", c.hash_password, ("x"):rep(4097))
      for _, wrong in ipairs {
        "", "x", "$2b$12$abcdefghijklmnopqrstuv", "$scrypt$ln=15,r=8,p=1$YQ$YQ",
        "$scrypt$ln=15,r=8,p=1$" .. ("A"):rep(22) .. "$" .. ("A"):rep(100), ("A"):rep(600),
      } do
        local ok, why = c.verify_password("pw", wrong)
        eq(ok, false, wrong)
        eq(type(why), "string")
        eq(c.needs_rehash(wrong), true)
      end
      """)
  }
}
