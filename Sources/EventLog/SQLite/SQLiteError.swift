// SQLite's result codes in the event log's terms.

import CSQLite
import CSystem
import Glibc

enum SQLiteError {
  // The extended codes are macros that are not imported: the primary code and a number shifted by 8.
  private static let fsyncFailed = SQLITE_IOERR | 4 << 8
  private static let directoryFsyncFailed = SQLITE_IOERR | 5 << 8

  /// - Parameters:
  ///   - code: The extended result code.
  ///   - systemError: The errno of the last system call that failed.
  ///   - doing: What was tried, the first half of a sentence.
  ///   - isCommit: The transaction's end failed.
  static func error(code: Int32, systemError: Int32, message: String, doing: String, isCommit: Bool)
    -> EventLogError
  {
    func error(_ code: EventLogError.Code, _ reason: String) -> EventLogError {
      EventLogError(code, "\(doing): \(reason)")
    }
    switch code & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED:
      return error(.unavailable, "another process holds the file's lock for too long")
    case SQLITE_FULL: return error(.full, "the disk is full")
    case SQLITE_IOERR where systemError == ENOSPC || systemError == EDQUOT:
      return error(.full, "the disk is full")
    case SQLITE_IOERR where isCommit && (code == fsyncFailed || code == directoryFsyncFailed):
      return error(.outcomeUnknown, "the disk did not confirm that it wrote (\(message))")
    case SQLITE_NOTADB: return error(.incompatible, "the file is not a SQLite database")
    case SQLITE_CORRUPT:
      return error(
        .incompatible, "the file is damaged (\(message)): put a copy of it back, or move it away")
    case SQLITE_CANTOPEN:
      let reason = systemError == 0 ? message : String(cString: strerror(systemError))
      return error(.unavailable, reason)
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH: return error(.failed, "the file may not be written")
    case SQLITE_TOOBIG: return error(.tooLarge, "an event is larger than SQLite takes")
    case SQLITE_NOMEM: return error(.overloaded, "out of memory")
    // A statement of ours that cannot be prepared: the tables are others.
    case SQLITE_ERROR, SQLITE_SCHEMA: return error(.incompatible, message)
    default: return error(.failed, "\(message) (SQLite's code \(code))")
    }
  }
}
