class Clock { now = 5; later = (x: number) => this.now + x; ticker() { return () => ++this.now } }
const clock = new Clock()
const tick = clock.ticker()
const task = () => [tick(), clock.later(1), clock.now]
