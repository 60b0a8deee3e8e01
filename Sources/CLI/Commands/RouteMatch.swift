import SpacerArtifact
struct RouteMatch { init(_ m: String, _ p: String, in i: ArtifactImage) {}
 var text: String { "" }
 var json: JSONText { .null } }
