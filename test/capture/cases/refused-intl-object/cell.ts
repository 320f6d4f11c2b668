const format = new Intl.NumberFormat("en")
const task = () => format.format(1)
