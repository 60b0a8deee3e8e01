// swift-tools-version: 6.2
// A package that only wants the command `swift package spacer`: the dependency is all it takes.
import PackageDescription

let package = Package(
  name: "PluginConsumer",
  dependencies: [.package(path: "../..")])
