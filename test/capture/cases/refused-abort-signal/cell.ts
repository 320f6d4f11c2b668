const options = { signal: new AbortController().signal }
const task = () => options.signal.aborted
