import Foundation
import SpacerEventLog

extension StoreUnderTest {
  static let sqlite = StoreUnderTest(name: "sqlite") { SQLitePlace() }
}

/// A file in a folder of its own.
final class SQLitePlace: StorePlace {
  let traits = StoreTraits()
  let folder: String
  private let clock = SteppedClock()

  init() {
    folder = FileManager.default.temporaryDirectory.path + "/spacer-log-\(UUID().uuidString)"
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// In a folder that the store makes.
  var path: String { folder + "/.spacer/events.db" }

  func makeStore() throws -> any EventStore { SQLiteStore(path: path, clock: clock.clock) }

  func makeOlder(topic: String, milliseconds: Int64) { clock.step(milliseconds) }

  func passTime() { clock.step(10) }
}
