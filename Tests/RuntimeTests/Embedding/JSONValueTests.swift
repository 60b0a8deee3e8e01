import SpacerRuntime
import Testing

@Suite struct JSONValueTests {
  @Test func literalsAndAccess() {
    let name = "Ada"
    let value: JSONValue = [
      "name": "\(name)!", "scores": [1, 2.5], "admin": true, "manager": nil, "twice": 1, "twice": 2,
    ]
    #expect(value["name"].stringValue == "Ada!")
    #expect(value["scores"][1] == 2.5 && value["scores"][2].isNull && value["scores"][-1].isNull)
    #expect(value["scores"].arrayValue?.count == 2)
    #expect(value["admin"].boolValue == true && value["name"].boolValue == nil)
    #expect(value["manager"].isNull && value["none"].isNull)
    #expect(value["twice"].intValue == 2)
    #expect(value.objectValue?.count == 5 && value.arrayValue == nil)
    #expect(JSONValue.object([:]).arrayValue == [])
    #expect(JSONValue.double(3).intValue == 3 && JSONValue.double(3.5).intValue == nil)
    #expect(JSONValue.double(1e300).intValue == nil && JSONValue.int(3).doubleValue == 3)
  }
}
