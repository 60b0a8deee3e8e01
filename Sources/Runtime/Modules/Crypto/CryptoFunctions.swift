// What the Lua parts of `crypto`, `uuid`, `hmac`, `resty.evp`, `resty.jwt-validators` and `jwt` are built on.
// Only those parts call these functions, with arguments they have checked; so what is wrong here is answered
// with nil and a message, which they raise at their caller's place. No message holds a key or a secret.

import CLua
import CSystem
import Glibc

enum CryptoFunction: Int32, HostFunctions {
  case digest, hmac, equal, random, encode, decode
  case keyKind, isDER, sign, verify, convertECDSA
  case hashPassword, verifyPassword
  case uuidRandom, uuidOrdered, uuidNamed, uuidIsValid
  case scopes, freeze

  static var moduleNumber: Int32 { BuiltinModule.crypto.rawValue }
  static var prefix: String { "crypto." }
  var mayWait: Bool { self == .hashPassword || self == .verifyPassword }

  var name: String {
    switch self {
    case .keyKind: "key_kind"
    case .isDER: "is_der"
    case .convertECDSA: "convert_ecdsa"
    case .hashPassword: "hash_password"
    case .verifyPassword: "verify_password"
    case .uuidRandom: "uuid_random"
    case .uuidOrdered: "uuid_ordered"
    case .uuidNamed: "uuid_named"
    case .uuidIsValid: "uuid_is_valid"
    default: "\(self)"
    }
  }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    switch self {
    case .digest: dispatcher.digest(state)
    case .hmac: dispatcher.hmac(state)
    case .equal: dispatcher.constantTimeEqual(state)
    case .random: dispatcher.randomBytes(state)
    case .encode: dispatcher.encodeText(state)
    case .decode: dispatcher.decodeText(state)
    case .keyKind: dispatcher.keyKind(state)
    case .isDER: dispatcher.isDERKey(state)
    case .sign: dispatcher.sign(state)
    case .verify: dispatcher.verify(state)
    case .convertECDSA: dispatcher.convertECDSA(state)
    case .hashPassword, .verifyPassword: dispatcher.hashPassword(state)
    case .uuidRandom: dispatcher.randomUUID(state)
    case .uuidOrdered: dispatcher.orderedUUID(state)
    case .uuidNamed: dispatcher.namedUUID(state)
    case .uuidIsValid: dispatcher.isUUID(state)
    case .scopes: dispatcher.pushScopes(state)
    case .freeze: dispatcher.freezeTable(state)
    }
  }
}

/// What a worker keeps for these functions. Belongs to its thread.
final class CryptoState {
  var random = RandomSource()
  var sequence = UUIDSequence()
  var keys = KeyCache()
}

extension Dispatcher {
  static let randomBytesMax = 1 << 20

  /// Answers nil and a message.
  func failCrypto(_ state: OpaquePointer, _ message: String) -> Int32 {
    lua_pushnil(state)
    LuaStack(state).push(message)
    return 2
  }

  /// Answers the bytes, or nil and why there are none: the library's fault, or else `failure`.
  private func answer(_ state: OpaquePointer, _ bytes: [UInt8]?, _ failure: @autoclosure () -> String)
    -> Int32
  {
    guard let bytes else { return failCrypto(state, CryptoLibrary.failure ?? failure()) }
    bytes.withUnsafeBytes { LuaStack(state).push($0) }
    return 1
  }

  private func answer(_ state: OpaquePointer, _ value: Bool) -> Int32 {
    lua_pushboolean(state, value ? 1 : 0)
    return 1
  }

  private func digestName(_ state: OpaquePointer, at index: Int32) -> DigestName? {
    LuaStack(state).bytes(at: index).flatMap { DigestName($0) }
  }

  private static let unknownDigest = "unknown digest: there are md5, sha1, sha224, sha256, sha384 and sha512"

  // MARK: Digests

  /// `digest(name, text)`
  func digest(_ state: OpaquePointer) -> Int32 {
    guard let name = digestName(state, at: 1), let text = LuaStack(state).bytes(at: 2) else {
      return failCrypto(state, Self.unknownDigest)
    }
    return answer(state, CryptoLibrary.digest(name, text), "this libcrypto.so.3 has no \(name)")
  }

  /// `hmac(name, key, text)`
  func hmac(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard let name = digestName(state, at: 1), let key = stack.bytes(at: 2), let text = stack.bytes(at: 3)
    else { return failCrypto(state, Self.unknownDigest) }
    return answer(state, CryptoLibrary.hmac(name, key: key, text), "this libcrypto.so.3 has no \(name)")
  }

  /// `equal(a, b)`
  func constantTimeEqual(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard let first = stack.bytes(at: 1), let second = stack.bytes(at: 2) else { return answer(state, false) }
    return answer(state, CryptoLibrary.equal(first, second))
  }

  /// `random(count)`
  func randomBytes(_ state: OpaquePointer) -> Int32 {
    let count = lua_tointegerx(state, 1, nil)
    guard 0...Int64(Self.randomBytesMax) ~= count else { return failCrypto(state, "too many random bytes") }
    var isRandom = true
    if let first = fixedRandomWords() {
      let words = [first.0] + (0..<max(0, (count - 1) / 8)).compactMap { _ in fixedRandomWords()?.0 }
      words.withUnsafeBytes { LuaStack(state).push(UnsafeRawBufferPointer(rebasing: $0[..<Int(count)])) }
      return 1
    }
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, initialized in
      isRandom = RandomSource.fill(
        UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: Int(count)))
      initialized = isRandom ? Int(count) : 0
    }
    guard isRandom else { return failCrypto(state, "the system has no random generator") }
    bytes.withUnsafeBytes { LuaStack(state).push($0) }
    return 1
  }

  // MARK: Text

  /// `encode(code, bytes)`
  func encodeText(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard let code = stack.text(at: 1).flatMap({ TextCode(rawValue: $0) }), let bytes = stack.bytes(at: 2)
    else { return failCrypto(state, "unknown code") }
    transfer.reset()
    code.encode(bytes, to: &transfer)
    stack.push(transfer.bytes)
    transfer.reset()
    return 1
  }

  /// `decode(code, text)`
  func decodeText(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard let code = stack.text(at: 1).flatMap({ TextCode(rawValue: $0) }), let text = stack.bytes(at: 2)
    else { return failCrypto(state, "unknown code") }
    transfer.reset()
    if let failure = code.decode(text, to: &transfer) { return failCrypto(state, failure) }
    stack.push(transfer.bytes)
    transfer.reset()
    return 1
  }

  // MARK: Keys

  /// The key of the text at `index`, what it holds at `index + 1`, its password or nil at `index + 2`.
  private func key(_ state: OpaquePointer, at index: Int32) -> CryptoKey? {
    let stack = LuaStack(state)
    guard let text = stack.bytes(at: index) else { return nil }
    let holds: CryptoKey.Text =
      switch stack.text(at: index + 1) {
      case "private": .privateKey
      case "certificate": .certificate
      default: .publicKey
      }
    return crypto.keys.key(text, holds: holds, password: stack.bytes(at: index + 2))
  }

  /// `key_kind(text, holds, password)`: the key's kind and its bits.
  func keyKind(_ state: OpaquePointer) -> Int32 {
    guard let key = key(state, at: 1) else {
      return failCrypto(state, CryptoLibrary.failure ?? "the text does not hold such a key")
    }
    LuaStack(state).push(key.kind.name)
    lua_pushinteger(state, Int64(key.bits))
    return 2
  }

  /// `is_der(text)`
  func isDERKey(_ state: OpaquePointer) -> Int32 {
    guard let text = LuaStack(state).bytes(at: 1) else { return answer(state, false) }
    return answer(state, CryptoKey.isDER(text))
  }

  /// The key, the scheme at 4, the digest's name (or nil) at 5, the text at 6.
  private func signatureArguments(
    _ state: OpaquePointer
  ) -> (key: CryptoKey, scheme: CryptoKey.Scheme, digest: DigestName?, text: UnsafeRawBufferPointer)? {
    let stack = LuaStack(state)
    guard let key = key(state, at: 1),
      let scheme = stack.text(at: 4).flatMap({ CryptoKey.Scheme(rawValue: $0) }),
      let text = stack.bytes(at: 6)
    else { return nil }
    return (key, scheme, digestName(state, at: 5), text)
  }

  private static let unfitKey = "the key does not fit the algorithm, or cannot be read"

  /// `sign(key, "private", password, scheme, digest, text)`: the signature.
  func sign(_ state: OpaquePointer) -> Int32 {
    guard let given = signatureArguments(state) else {
      return failCrypto(state, CryptoLibrary.failure ?? Self.unfitKey)
    }
    return answer(state, given.key.sign(given.text, given.scheme, given.digest), Self.unfitKey)
  }

  /// `verify(key, holds, nil, scheme, digest, text, signature)`: whether it is the key's.
  func verify(_ state: OpaquePointer) -> Int32 {
    guard let given = signatureArguments(state), let signature = LuaStack(state).bytes(at: 7) else {
      return failCrypto(state, CryptoLibrary.failure ?? Self.unfitKey)
    }
    return answer(state, given.key.verify(given.text, signature, given.scheme, given.digest))
  }

  /// `convert_ecdsa(signature, bytes)`: from DER to r and s of so many bytes each; with 0 from those to DER.
  func convertECDSA(_ state: OpaquePointer) -> Int32 {
    guard let signature = LuaStack(state).bytes(at: 1) else { return failCrypto(state, "no signature") }
    let coordinateBytes = Int(lua_tointegerx(state, 2, nil))
    let converted =
      coordinateBytes > 0
      ? CryptoLibrary.rawECDSA(signature, coordinateBytes: coordinateBytes)
      : CryptoLibrary.derECDSA(signature)
    return answer(state, converted, "this is no ECDSA signature")
  }

  // MARK: Identifiers

  private func push(_ value: UUIDValue, onto state: OpaquePointer) -> Int32 {
    transfer.reset()
    value.appendText(to: &transfer)
    LuaStack(state).push(transfer.bytes)
    return 1
  }

  private func failRandom(_ state: OpaquePointer) -> Int32 {
    raise(state, "the system has no random generator", at: true)
  }

  /// `uuid_random()`
  func randomUUID(_ state: OpaquePointer) -> Int32 {
    guard let (high, low) = fixedRandomWords() ?? crypto.random.next() else { return failRandom(state) }
    return push(UUIDValue(high: high, low: low, version: 4), onto: state)
  }

  /// `uuid_ordered()`
  func orderedUUID(_ state: OpaquePointer) -> Int32 {
    guard let random = fixedRandomWords() ?? crypto.random.next() else { return failRandom(state) }
    if let fixedMilliseconds {
      let now = UInt64(clamping: fixedMilliseconds)
      return push(crypto.sequence.next(now: now, random: random), onto: state)
    }
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let now = UInt64(clamping: time.tv_sec) &* 1000 &+ UInt64(clamping: time.tv_nsec) / 1_000_000
    return push(crypto.sequence.next(now: now, random: random), onto: state)
  }

  /// `uuid_named(version, namespace, name)`
  func namedUUID(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard let namespace = stack.bytes(at: 2).flatMap({ UUIDValue($0) }), let name = stack.bytes(at: 3) else {
      return failCrypto(state, "the namespace must be a valid UUID")
    }
    let version: UInt64 = lua_tointegerx(state, 1, nil) == 3 ? 3 : 5
    transfer.reset()
    namespace.append(to: &transfer)
    transfer.append(name)
    let digest = CryptoLibrary.digest(version == 3 ? .md5 : .sha1, transfer.bytes)
    guard let value = digest?.withUnsafeBytes({ UUIDValue(digest: $0, version: version) }) else {
      return failCrypto(state, CryptoLibrary.failure ?? "this libcrypto.so.3 lacks the digest")
    }
    return push(value, onto: state)
  }

  /// `uuid_is_valid(text)`
  func isUUID(_ state: OpaquePointer) -> Int32 {
    answer(state, LuaStack(state).bytes(at: 1).flatMap { UUIDValue($0) } != nil)
  }

  // MARK: For the Lua parts

  /// `scopes()`: the running request's globals, or nil while a module loads; and the shared ones of its
  /// generation. What a module remembers by them lives as long as they do.
  func pushScopes(_ state: OpaquePointer) -> Int32 {
    let host = record.pointee
    if currentCall >= 0, host.loading == 0 {
      lua_pushvalue(main, CallTable.anchor(currentCall) + 1)
    } else {
      lua_pushnil(main)
    }
    lua_pushvalue(main, host.loaded_index + 1)
    if state != main { lua_xmove(main, state, 2) }
    return 2
  }

  /// `freeze(table)`: a read-only view of it.
  func freezeTable(_ state: OpaquePointer) -> Int32 {
    guard lua_type(state, 1) == LUA_TTABLE else { return failCrypto(state, "no table") }
    lua_settop(state, 1)
    spacer_freeze(record, state)
    return 1
  }
}
