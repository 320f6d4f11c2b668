const task = () => ({ signal: new AbortController().signal })
