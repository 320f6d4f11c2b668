const { port1 } = new MessageChannel()
port1.close()
const post = port1.postMessage
const task = () => typeof post
