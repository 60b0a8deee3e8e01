// Hashing passwords takes a tenth of a second and tens of megabytes by design, so it runs on threads of its
// own, of which the process has a few; what waits for one is bounded. A thread begins with the first job and
// ends with the last. Rule: a job's result is posted to the loop that asked, and only there does anybody
// touch the waiting call.

import CCrypto
import CLua
import Glibc
import SpacerSystem
import Synchronization

/// How much work a hash is: the parameters of scrypt (RFC 7914).
struct PasswordCost: Equatable, Sendable {
  /// What one hash may take at most, in bytes.
  static let memoryBytesMax: UInt64 = 256 << 20

  var n: UInt64
  var r: UInt64
  var p: UInt64

  /// - Parameter logN: The binary logarithm of the number of blocks.
  /// - Returns: Nil when it would be too much, or no cost at all.
  init?(logN: Int64, r: Int64, p: Int64) {
    guard 1...20 ~= logN, 1...32 ~= r, 1...16 ~= p else { return nil }
    (n, self.r, self.p) = (1 << UInt64(logN), UInt64(r), UInt64(p))
    // About ten times the work that new hashes get.
    guard n * self.r * 128 <= Self.memoryBytesMax, n * self.r * self.p <= 1 << 23 else { return nil }
  }
}

/// One password to be hashed. Immutable but for the flag.
final class PasswordJob: Sendable {
  let password: [UInt8]
  let salt: [UInt8]
  let cost: PasswordCost
  let hashBytes: Int
  /// Nobody waits for it any more.
  let isCancelled = Atomic<Bool>(false)
  /// Called on the thread that did it, with the hash, or nil when there was no memory for it.
  let finished: @Sendable ([UInt8]?) -> Void

  init(
    password: [UInt8], salt: [UInt8], cost: PasswordCost, hashBytes: Int,
    finished: @escaping @Sendable ([UInt8]?) -> Void
  ) {
    self.password = password
    self.salt = salt
    self.cost = cost
    self.hashBytes = hashBytes
    self.finished = finished
  }

  func run() {
    guard !isCancelled.load(ordering: .relaxed) else { return }
    finished(
      CryptoLibrary.result(capacity: hashBytes) { out in
        let done = spacer_crypto_scrypt(
          password, password.count, salt, salt.count, cost.n, cost.r, cost.p,
          // The library counts a little more than the blocks themselves.
          PasswordCost.memoryBytesMax + 1 << 20, out, hashBytes)
        return done != 0 ? hashBytes : 0
      })
  }
}

/// The process's threads for passwords.
final class PasswordThreads: Sendable {
  static let shared = PasswordThreads(countMax: max(1, min(4, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) / 2)))

  /// Jobs that may wait for a thread.
  static let pendingCountMax = 256

  private struct State {
    var pending: [PasswordJob] = []
    var running = 0
  }

  private let countMax: Int
  private let state = Mutex(State())

  init(countMax: Int) { self.countMax = countMax }

  /// Has the job run. False when too many wait already, or no thread is to be had.
  func submit(_ job: PasswordJob) -> Bool {
    let starts: Bool? = state.withLock { state in
      if state.pending.count >= Self.pendingCountMax {
        state.pending.removeAll { $0.isCancelled.load(ordering: .relaxed) }
      }
      guard state.pending.count < Self.pendingCountMax else { return nil }
      state.pending.append(job)
      guard state.running < countMax else { return false }
      state.running += 1
      return true
    }
    guard let starts else { return false }
    guard starts, !Threads.startIfPossible(name: "password", { self.runPending() }) else { return true }
    return state.withLock { state in
      state.running -= 1
      guard state.running == 0 else { return true }
      // No thread will ever take it.
      state.pending.removeAll { $0 === job }
      return false
    }
  }

  private func runPending() {
    while let job = next() { job.run() }
  }

  /// The job that waits longest; with none the calling thread counts as ended.
  private func next() -> PasswordJob? {
    state.withLock { state in
      guard !state.pending.isEmpty else {
        state.running -= 1
        return nil
      }
      return state.pending.removeFirst()
    }
  }
}

/// A call that waits for a hash.
final class PasswordWait: Wait {
  /// Nil once nothing of it is awaited, since it holds this.
  fileprivate var job: PasswordJob?

  override func cancelled(_ dispatcher: Dispatcher) {
    job?.isCancelled.store(true, ordering: .relaxed)
    job = nil
  }
}

/// What only the loop's thread touches, on its way there through another.
private struct LoopBound: @unchecked Sendable {
  let wait: PasswordWait
  unowned(unsafe) let dispatcher: Dispatcher
}

extension Dispatcher {
  static let passwordBytesMax = 4096
  private static let passwordHashBytesMax = 64

  /// `hash_password(password, salt, ln, r, p, length)`: the hash's bytes, or nil and why there are none.
  func hashPassword(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard let password = stack.bytes(at: 1), let salt = stack.bytes(at: 2),
      password.count <= Self.passwordBytesMax, 1...Self.passwordHashBytesMax ~= salt.count
    else { return failCrypto(state, "the password or its salt is too long") }
    guard
      let cost = PasswordCost(
        logN: lua_tointegerx(state, 3, nil), r: lua_tointegerx(state, 4, nil),
        p: lua_tointegerx(state, 5, nil))
    else { return failCrypto(state, "a hash of this cost takes too much memory or time") }
    let length = Int(lua_tointegerx(state, 6, nil))
    guard 16...Self.passwordHashBytesMax ~= length else {
      return failCrypto(state, "the hash has an unusual length")
    }
    if let failure = CryptoLibrary.failure { return failCrypto(state, failure) }
    guard let mailbox = loop?.mailbox else { return failCrypto(state, "there is no loop to wait on") }
    let wait = PasswordWait()
    let target = LoopBound(wait: wait, dispatcher: self)
    let job = PasswordJob(password: Array(password), salt: Array(salt), cost: cost, hashBytes: length) {
      hash in
      mailbox.post(.work { target.dispatcher.finish(target.wait, hash) })
    }
    wait.job = job
    guard PasswordThreads.shared.submit(job) else {
      wait.job = nil
      return failCrypto(state, "too many passwords are being hashed: try again later")
    }
    return park(on: wait)
  }

  fileprivate func finish(_ wait: PasswordWait, _ hash: [UInt8]?) {
    wait.job = nil
    complete(wait) { coroutine in
      guard let hash else {
        return self.failCrypto(coroutine, "there is no memory to hash a password")
      }
      hash.withUnsafeBytes { LuaStack(coroutine).push($0) }
      return 1
    }
  }
}
