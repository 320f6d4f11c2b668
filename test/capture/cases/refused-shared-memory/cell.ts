const memory = new SharedArrayBuffer(8)
const task = () => memory.byteLength
