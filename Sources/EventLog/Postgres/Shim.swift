package enum PostgresTransactions {
  package static let claim = ""
  package static func append(to topic: String, count: Int) throws(EventLogError) -> String { "" }
  package static func notify(_ topic: String) throws(EventLogError) -> String { "" }
}
extension KeyPartition { package static func hash(_ key: [UInt8]) -> Int32 { 0 } }
