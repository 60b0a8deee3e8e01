/// How much configuration is taken; each bound is far beyond what an application needs.
enum ConfigLimits {
  static let fileBytesMax = 256 << 10
  /// Values after expansion of aliases.
  static let valuesMax = 20_000
  /// Mappings and lists within each other.
  static let depthMax = 16
  static let topicNameBytesMax = 57
  static let appNameBytesMax = 63
  static let nameBytesMax = 255
  static let scheduleNameBytesMax = 100
  static let timeZoneBytesMax = 64
  /// JSON that the artifact holds for a schema, a filter or a schedule's payload.
  static let jsonBytesMax = 64 << 10
  static let filterConditionsMax = 64
  /// Values that one condition allows.
  static let filterValuesMax = 1_000
  static let filterPathSegmentsMax = 16
}
