const gone = Object.assign(() => 1, {})
const opaque = new Proxy(gone, {})
const task = () => opaque()
