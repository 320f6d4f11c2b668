const clock = { tick: process.hrtime.bigint }
const task = () => clock.tick()
