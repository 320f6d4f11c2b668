class Safe { #secret = 1; reveal() { return this.#secret } }
const safe = new Safe()
const task = () => safe.reveal()
