/// The release of Spacer, in every artifact's manifest and what `spacer version` says.
package enum SpacerRelease {
  package static let current = "0.1.0"
}
