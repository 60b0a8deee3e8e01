package enum SpacerRuntimeInfo { package static let release = "0.1.0" }
