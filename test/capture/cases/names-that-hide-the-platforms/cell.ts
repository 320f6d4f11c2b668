const process = { env: { X: "mine" } }
class URL { kind = "own" }
const größe = 3
const task = () => [process.env.X, new URL().kind, größe]
