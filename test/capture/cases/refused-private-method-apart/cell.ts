class Safe { #secret = 1; static reader() { return (safe: Safe) => safe.#secret } }
const read = Safe.reader()
const task = () => read(new Safe())
