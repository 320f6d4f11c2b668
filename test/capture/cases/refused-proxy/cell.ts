const watched = new Proxy({}, {})
const task = () => watched
