const steps: (() => number)[] = []
for (let i = 0; i < 3; i++) steps.push(() => i++)
const task = () => [...steps, steps[0]!].map((step) => step())
