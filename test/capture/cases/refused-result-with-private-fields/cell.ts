class Safe { #secret = 1; reveal() { return this.#secret } }
class Larger extends Safe {}
const task = () => new Map([["safe", new Larger()]])
