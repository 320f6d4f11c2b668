function around(..._values: number[]) { return () => [arguments.length, arguments[1]] }
const inner = around(1, 2, 3)
const task = () => inner()
