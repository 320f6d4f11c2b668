class Row extends Float64Array { total() { return this.reduce((a, b) => a + b, 0) } }
const row = new Row(3)
const task = () => row.total()
