const escape = { from: "mine" }
class Event { kind = "own" }
const größe = 3
const task = () => [escape.from, new Event().kind, größe]
