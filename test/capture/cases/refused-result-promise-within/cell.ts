const task = () => ({ later: Promise.resolve(1) })
